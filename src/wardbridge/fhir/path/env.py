"""What an evaluation may ask of the outside: references, value sets, profiles, the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec


class Env(msgspec.Struct, frozen=True):
    """All optional.

    `resolve(reference)` gives a resource or None; `member_of(value, value_set_url)` gives True, False or None
    for unknown; `conforms_to(resource, profile_url)` alike; `subsumes(a, b)` for two (system, code); `in_slice(element,
    structure_url, slice_name)`; `now()` gives µs since the epoch, UTC (without it
    `now()`, `today()` and `timeOfDay()` are errors, so that an evaluation never reads a clock unasked); `variables`
    are `%name` values; `trace(name, values)` sees what `trace()` passes through; `resource` and `root` override
    `%resource` and `%rootResource`.
    """

    resolve: Callable[[str], dict[str, Any] | None] | None = None
    member_of: Callable[[Any, str], bool | None] | None = None
    conforms_to: Callable[[Any, str], bool | None] | None = None
    subsumes: Callable[[tuple[str, str], tuple[str, str]], bool | None] | None = None
    in_slice: Callable[[Any, str, str], bool | None] | None = None
    now: Callable[[], int] | None = None
    variables: Mapping[str, Any] = {}
    trace: Callable[[str, list[Any]], None] | None = None
    resource: dict[str, Any] | None = None
    root: dict[str, Any] | None = None


NONE = Env()
