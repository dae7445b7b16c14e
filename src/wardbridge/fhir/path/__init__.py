"""FHIRPath compiled to Python closures: `compile`, `compile_typed`, `evaluate`."""

from wardbridge.fhir.path.api import Compiled, Typed, compile, compile_typed, evaluate
from wardbridge.fhir.path.env import Env
from wardbridge.fhir.path.errors import PathError

__all__ = ["Compiled", "Env", "PathError", "Typed", "compile", "compile_typed", "evaluate"]
