"""Vulnerabilities as their publishers describe them."""
