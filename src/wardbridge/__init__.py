"""Wardbridge: one open system for clinicians, clinical engineering and hospital IT."""

__version__ = "0.1.0"
