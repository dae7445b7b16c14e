"""IEEE 11073 SDC consumer: see README.md."""
