"""Feeds: what changed in the record becomes messages for other systems."""
