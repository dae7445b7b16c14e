"""SQL of work on machines."""
