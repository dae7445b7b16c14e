"""Every sample, keyed by device channel and time."""
