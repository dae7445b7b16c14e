"""Time of validation of one vital-sign Observation: base R4, with its profile, by the living validator of a server.

A plain JSON parse beside it is the measure.

python -m bench.validate [--rounds 5] [--count 2000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import time

import orjson

from wardbridge.fhir.json import loads
from wardbridge.fhir.validate import validate
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.validator import Validator

OBSERVATION = b"""{"resourceType":"Observation","id":"hr-1",
"meta":{"versionId":"1","lastUpdated":"2026-11-22T00:00:00.000Z",
"profile":["http://hl7.org/fhir/StructureDefinition/heartrate"]},
"text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">Heart rate 72 /min</div>"},
"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:8f7e9d6c-1111-4222-8333-0123456789ab"}],"status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs",
"display":"Vital Signs"}],"text":"Vital Signs"}],
"code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"},
{"system":"urn:iso:std:iso:11073:10101","code":"147842","display":"MDC_ECG_HEART_RATE"}],"text":"Heart rate"},
"subject":{"reference":"Patient/p1","display":"Bed 7"},"encounter":{"reference":"Encounter/e1"},
"effectiveDateTime":"2026-11-22T00:00:00.250+01:00","issued":"2026-11-22T00:00:01.000+01:00",
"performer":[{"reference":"Practitioner/n1"}],
"valueQuantity":{"value":72.50,"unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"},
"interpretation":[{"coding":[
{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"N"}]}],
"bodySite":{"coding":[{"system":"http://snomed.info/sct","code":"80891009"}]},"method":{"text":"ECG"},
"device":{"reference":"Device/m1"},
"referenceRange":[{"low":{"value":50,"unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"},
"high":{"value":120,"unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"}}]}"""


def timed(work: object, count: int, rounds: int) -> float:
    """Best CPU time of one call in µs."""
    best: float = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(count):
            work()  # type: ignore[operator]
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    resource = loads(OBSERVATION)
    plain = loads(OBSERVATION)
    del plain["meta"]["profile"]
    issues = validate(resource)
    validator = Validator(Profiles())

    async def written() -> float:
        best: float = float("inf")
        for _ in range(options.rounds):
            start = time.process_time()
            for _ in range(options.count):
                await validator.written(plain)
            best = min(best, time.process_time() - start)
        return float(best / options.count * 1e6)

    parse = timed(lambda: orjson.loads(OBSERVATION), options.count, options.rounds)
    exact = timed(lambda: loads(OBSERVATION), options.count, options.rounds)
    base = timed(lambda: validate(plain), options.count, options.rounds)
    full = timed(lambda: validate(resource), options.count, options.rounds)
    print(
        json.dumps(
            {
                "bench": "validate",
                "bytes": len(OBSERVATION),
                "issues": len(issues),
                "orjson_parse_us": round(parse, 2),
                "exact_parse_us": round(exact, 2),
                "validate_us": round(base, 1),
                "validate_per_parse": round(base / parse, 1),
                "with_profile_us": round(full, 1),
                "on_write_us": round(asyncio.run(written()), 1),
                "machine": platform.machine(),
                "python": platform.python_version(),
            }
        )
    )


if __name__ == "__main__":
    main()
