"""The disclosure statement of a model (ANSI/NEMA HN 1-2019)."""
