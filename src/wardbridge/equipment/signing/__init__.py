"""Signatures over what was seen."""
