"""How a function is declared: on the whole input, on one value, or with closures for its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from wardbridge.fhir.path.scope import Fn, Items, Scope, single

Make: TypeAlias = Callable[..., Fn]
Entry: TypeAlias = tuple[int, int, Make]


def on_items(decide: Callable[..., Items]) -> Make:
    """From a function of (input, argument collections)."""

    def make(before: Fn, *args: Fn) -> Fn:
        if not args:
            return lambda s: decide(before(s))
        if len(args) == 1:
            only = args[0]
            return lambda s: decide(before(s), only(s))
        return lambda s: decide(before(s), *[arg(s) for arg in args])

    return make


def on_value(name: str, decide: Callable[..., Any]) -> Make:
    """From a function of System values; an empty input or argument gives an empty result."""

    def make(before: Fn, *args: Fn) -> Fn:
        def run(s: Scope) -> Items:
            value = single(before(s), name)
            if value is None:
                return []
            given = []
            for arg in args:
                found = single(arg(s), name)
                if found is None:
                    return []
                given.append(found)
            result = decide(value, *given)
            if result is None:
                return []
            return result if type(result) is list else [result]

        return run

    return make
