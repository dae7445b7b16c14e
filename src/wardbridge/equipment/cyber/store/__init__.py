"""SQL of cyber."""
