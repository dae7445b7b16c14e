"""SQL of the crew package."""
