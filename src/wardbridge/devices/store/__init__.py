"""Every SQL statement of the device room, by group of tables."""
