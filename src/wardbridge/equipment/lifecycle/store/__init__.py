"""SQL of the life cycle."""
