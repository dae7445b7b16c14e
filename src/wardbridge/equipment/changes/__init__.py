"""Changes that biomed and IT make together, and what they watch together."""
