"""Codecs: bytes to values and back, pure (DESIGN section 8)."""
