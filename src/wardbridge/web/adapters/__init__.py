"""The sources of the pages, answered by the real rooms."""
