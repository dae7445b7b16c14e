"""Terminology in PostgreSQL; the only SQL of this room."""
