"""Operations (`$name`) by one small protocol: upper rooms add theirs without being known here (R4 operations.html)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call


class Perform(Protocol):
    """``type_name`` and ``id_`` are '' above their level. The operation is decided upon and audited before it runs."""

    async def __call__(self, call: Call, type_name: str, id_: str, /) -> Answer: ...


@dataclass(frozen=True)
class Operation:
    """``name`` without the dollar sign; ``types`` empty: any; GET is allowed only where it ``affects_state`` not."""

    name: str
    definition: str
    perform: Perform
    types: tuple[str, ...] = ()
    system: bool = False
    type: bool = False
    instance: bool = False
    affects_state: bool = False


def find(operations: Sequence[Operation], name: str, type_name: str, id_: str) -> Operation | None:
    """The operation of that name at that level."""
    for operation in operations:
        level = operation.instance if id_ else operation.type if type_name else operation.system
        if operation.name == name and level and (not type_name or not operation.types or type_name in operation.types):
            return operation
    return None
