"""Outbound messages: a durable queue and a worker for each destination; one that is dead delays no other."""
