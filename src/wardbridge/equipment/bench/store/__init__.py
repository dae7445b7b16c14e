"""SQL of the bench."""
