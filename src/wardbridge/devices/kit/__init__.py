"""The conformance kit: abstract test classes that every driver's tests join. Needs pytest and hypothesis."""
