"""The R4 (4.0.1) definitions as compact tables, built by `scripts/build_definitions.py`."""
