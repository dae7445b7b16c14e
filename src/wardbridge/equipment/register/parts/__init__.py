"""Accessories, parts and batteries of machines."""
