"""HL7 v2: bytes to values and back, lazily and without loss (HL7 v2.9 chapter 2)."""
