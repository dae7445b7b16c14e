"""Recalls, hazard notices, CSAF and KEV: read, matched with the register, explained."""
