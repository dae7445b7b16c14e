"""One language: code systems, value sets, maps and units."""
