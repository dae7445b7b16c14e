"""People's work: the flowsheet, manual entry, verification."""
