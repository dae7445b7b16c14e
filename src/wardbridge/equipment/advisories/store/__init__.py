"""SQL of advisories: documents, candidates, who is on what now."""
