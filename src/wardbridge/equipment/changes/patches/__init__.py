"""Patches on machines that are on nobody."""
