"""PATCH (R4 http.html#patch): JSON Patch and FHIRPath Patch as functions from a resource to the patched one."""
