"""Campaigns: one remedy over many machines, every one of which comes to an end."""
