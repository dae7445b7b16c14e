"""The functions of FHIRPath, one module a kind; `table` joins them."""
