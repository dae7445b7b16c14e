"""Machines that stand twice in the register: found, and merged with a trace."""
