"""Statements over the outbound queues."""
