"""Machines' life: faults, maintenance, use."""
