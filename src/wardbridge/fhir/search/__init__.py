"""Search: what is extracted from a resource, and what a request asks for; no SQL."""
