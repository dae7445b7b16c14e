"""The whole fleet at a glance, and the whole life of one machine."""
