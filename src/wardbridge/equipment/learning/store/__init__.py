"""SQL of the learning package."""
