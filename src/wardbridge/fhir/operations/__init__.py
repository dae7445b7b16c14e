"""The operations of R4 (operations.html) on single resources and small sets of them; one module each."""
