"""Packages of definitions (profiles, value sets, search parameters): read, loaded into the record, found again."""
