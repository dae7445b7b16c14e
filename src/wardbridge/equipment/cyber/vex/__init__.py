"""Statements on vulnerabilities of products (VEX): read, judged, written."""
