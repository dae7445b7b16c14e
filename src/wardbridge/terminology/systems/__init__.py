"""Code systems: in memory, in tables, by a grammar."""
