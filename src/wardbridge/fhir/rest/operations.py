"""Operations (`$name`) by one small protocol: upper rooms add theirs without being known here (R4 operations.html).

The tables of parameters are facts of the operation: OperationDefinition resources and OpenAPI are generated from them
(`operation_definitions.py`), and requests are read against them (`parameters.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call

MANY = 0
"""``Parameter.most`` of one that may be repeated without end (`*`)."""


class Perform(Protocol):
    """``type_name`` and ``id_`` are '' above their level. The operation is decided upon and audited before it runs."""

    async def __call__(self, call: Call, type_name: str, id_: str, /) -> Answer: ...


@dataclass(frozen=True)
class Parameter:
    """One parameter (R4 OperationDefinition.parameter).

    ``type`` is a FHIR type, `Resource` or a resource type; '' where it has ``parts`` instead. ``targets``: resource
    types of a Reference. ``search``: the search type of a parameter that is used as in a search (``type`` string).
    """

    name: str
    type: str = ""
    least: int = 0
    most: int = 1
    about: str = ""
    parts: tuple[Parameter, ...] = ()
    search: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """``name`` without the dollar sign; ``types`` empty: any; GET is allowed only where it ``affects_state`` not.

    ``inputs`` None: the operation reads its own parameters. ``searches``: beyond ``inputs`` every search parameter of
    the type is taken too (`$lastn`). ``accepts``: media types of bodies beside FHIR JSON. ``decides``: the operation
    asks for each thing that it touches whether the caller may, and needs no leave for its level as a whole.
    ``about`` is a sentence for people.
    """

    name: str
    definition: str
    perform: Perform
    types: tuple[str, ...] = ()
    system: bool = False
    type: bool = False
    instance: bool = False
    affects_state: bool = False
    inputs: tuple[Parameter, ...] | None = None
    outputs: tuple[Parameter, ...] = ()
    about: str = ""
    searches: bool = False
    accepts: tuple[str, ...] = ()
    decides: bool = False


def find(operations: Sequence[Operation], name: str, type_name: str, id_: str) -> Operation | None:
    """The operation of that name at that level."""
    for operation in operations:
        level = operation.instance if id_ else operation.type if type_name else operation.system
        if operation.name == name and level and (not type_name or not operation.types or type_name in operation.types):
            return operation
    return None
