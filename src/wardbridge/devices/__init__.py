"""Drivers, supervision, binding and charting."""
