"""Bills of materials: read and written."""
