"""Vendors: contracts and what they really do, remote access, offers, whole cost and replacement."""
