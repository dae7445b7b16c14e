"""One folder a protocol; all look alike."""
