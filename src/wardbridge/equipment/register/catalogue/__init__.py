"""Devices as their makers published them: what a scanned identifier is."""
