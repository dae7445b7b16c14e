"""Which profile an observation of a vital sign must follow (https://hl7.org/fhir/R4/observation-vitalsigns.html).

The standard names one LOINC code for each vital sign, which must be there beside any more special one.  The more
special codes that mean the same sign are those of the reference validator's table.
"""

from __future__ import annotations

from typing import Any

from wardbridge.fhir.definitions.profiles import BASE

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"

_CODES: dict[str, dict[str, str]] = {
    "vitalspanel": {LOINC: "85353-1", SNOMED: "46680005"},
    "resprate": {
        LOINC: "9279-1 76170-0 76172-6 76171-8 19840-8 33438-3 76270-8 11291-2",
        SNOMED: "86290005 271625008 271306003",
    },
    "heartrate": {
        LOINC: "8867-4 60978-4 73795-7 73799-9 76476-1 76477-9 8889-8 8890-6 8891-4 8892-2 8893-0 40443-4 55425-3 "
        "68999-2 11328-2 69000-8 8886-4",
        SNOMED: "249043002 444981005 399017001 251670001 429525003 429614003",
    },
    "oxygensat": {
        LOINC: "2708-6 19224-5 20564-1 2709-4 2710-2 2713-6 51733-4 59408-5 59417-6 89276-0 97549-0",
        SNOMED: "442476006 431314004",
    },
    "bodytemp": {
        LOINC: "8310-5 60834-9 60835-6 60836-4 60838-0 60955-2 61009-7 75539-7 75987-8 76010-8 76011-6 76278-1 8309-7 "
        "8328-7 8329-5 8330-3 8331-1 8332-9 8333-7 8334-5 91371-5 98657-0 98663-8",
        SNOMED: "386725007 276885007 300076005 1222808002 364246006 307047009 708499008 431598003 698831002 698832009 "
        "415882003 415974002 415929009 415945006",
    },
    "bodyheight": {
        LOINC: "8302-2 3137-7 3138-5 8306-3 8308-9",
        SNOMED: "1153637007 1162419008 50373000 1162418000 1230278008 1162392001 1162417005",
    },
    "headcircum": {LOINC: "9843-4 8287-5", SNOMED: "363812007 169876006 1269262007 363811000"},
    "bodyweight": {
        LOINC: "29463-7 3141-9 3142-7 75292-3 79348-9 8350-1 8351-9",
        SNOMED: "735395000 425024002 424927000 784399000 1162416001 1162415002",
    },
    "bmi": {LOINC: "39156-5 89270-3", SNOMED: "60621009"},
    "bp": {
        LOINC: "85354-9 35094-2 8459-0 76534-7 55284-4 8480-6",
        SNOMED: "251076008 163033001 163035008 386534000 386536003 271649006 271650006 407556006 407554009 716579001 "
        "399304008",
    },
}
_PROFILES = {
    (system, code): BASE + name
    for name, systems in reversed(_CODES.items())
    for system, codes in systems.items()
    for code in codes.split()
}


def vital_sign(observation: dict[str, Any]) -> str | None:
    """The canonical URL of the profile that the observation's code asks for, or None. LOINC counts before SNOMED CT."""
    code = observation.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    found: dict[Any, str] = {}
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict):
            system, value = coding.get("system"), coding.get("code")
            if isinstance(system, str) and isinstance(value, str) and (system, value) in _PROFILES:
                found.setdefault(system, _PROFILES[(system, value)])
    return found.get(LOINC) or found.get(SNOMED)
