"""Time of all search expressions of an Observation (path part of indexing), compiled and on the general engine.

python -m bench.fhirpath [--rounds 5] [--count 1000]
"""

from __future__ import annotations

import argparse
import json
import platform

import orjson
from bench.validate import OBSERVATION, timed

from wardbridge.fhir.definitions.search import search_parameters
from wardbridge.fhir.json import loads
from wardbridge.fhir.path import compile, compile_typed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    resource = loads(OBSERVATION)
    expressions = [p.expression for p in search_parameters("Observation").values() if p.expression is not None]
    quick = [compile_typed(e, "Observation") for e in expressions]
    general = [compile(e, "Observation", lenient=True) for e in expressions]
    values = sum(len(f(resource)) for f in quick)
    parse = timed(lambda: orjson.loads(OBSERVATION), options.count, options.rounds)
    fast = timed(lambda: [f(resource) for f in quick], options.count, options.rounds)
    slow = timed(lambda: [g.typed(resource) for g in general], max(1, options.count // 10), options.rounds)
    print(
        json.dumps(
            {
                "bench": "fhirpath",
                "expressions": len(expressions),
                "values": values,
                "orjson_parse_us": round(parse, 2),
                "extract_us": round(fast, 1),
                "general_us": round(slow, 1),
                "extract_per_parse": round(fast / parse, 1),
                "machine": platform.machine(),
                "python": platform.python_version(),
            }
        )
    )


if __name__ == "__main__":
    main()
