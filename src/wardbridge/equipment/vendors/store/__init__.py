"""SQL of vendors."""
