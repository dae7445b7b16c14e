"""Codecs, listeners and feeds between Wardbridge and other systems."""
