"""Lists in and out: CSV and XLSX."""
