"""The one error of FHIRPath: an expression that cannot be read, typed or run."""

from __future__ import annotations

from wardbridge.core.errors import Invalid


class PathError(Invalid):
    """`kind` is `syntax`, `semantic` (static check) or `execution`; `position` counts characters from 0, or None."""

    def __init__(self, message: str, kind: str = "execution", position: int | None = None) -> None:
        where = "" if position is None else f" at character {position}"
        super().__init__(f"FHIRPath {kind} error{where}: {message}")
        self.kind = kind
        self.position = position
