"""IHE PCD: which profile a message speaks, and the tables of its OBX status fields.

IHE PCD TF-2 (rev 9): section 3.1 PCD-01, 3.4 PCD-04, appendix B.8 (OBX). A profile is recognised by
the OID in MSH-21 alone; its name there is for people. Without one, type and trigger decide.
"""

from __future__ import annotations

from functools import lru_cache

from wardbridge.exchange.codecs.hl7v2.msh import Msh
from wardbridge.exchange.codecs.hl7v2.separators import Separators

ROOT = "1.3.6.1.4.1.19376.1.6."

OIDS = {
    "1.1.1": "PCD-01",
    "1.3.1": "PCD-03",
    "1.3.2": "PCD-03",
    "1.4.1": "PCD-04",
    "1.4.4": "PCD-04",
    "1.4.4.1": "PCD-04",
    "4.1": "PCD-04",
    "4.4": "PCD-04",
    "4.4.1": "PCD-04",
    "1.5.1": "PCD-05",
    "5.1": "PCD-05",
    "1.6.1": "PCD-06",
    "1.7.1": "PCD-07",
    "1.9.1": "PCD-09",
    "9.1": "PCD-09",
    "4.10": "PCD-10",
    "1.10.1": "PCD-10",
    "1.15.1": "PCD-15",
    "4.15": "PCD-15",
    "1.16.1": "PCD-16",
    "4.16": "PCD-16",
}
"""OID below ROOT to profile: the assigned ones and those that real senders use."""

BY_TRIGGER = {
    ("ORU", "R01"): "PCD-01",
    ("ORU", "R40"): "PCD-04",
    ("ORA", "R41"): "PCD-05",
    ("ORU", "R42"): "PCD-10",
    ("RGV", "O15"): "PCD-03",
    ("RRG", "O16"): "PCD-03",
}


def profile_of(msh: Msh) -> str:
    """`PCD-01`, `PCD-04`, ..., or '' where the message is none of them.

    The trigger wins over a profile id that contradicts it: R40 is always an alarm, R42 always an
    event. Messages that are acknowledgements have no profile.
    """
    return _profile_of(msh.raw(9), msh.raw(21), msh.separators.component, msh.separators.repetition)


@lru_cache(maxsize=1024)
def _profile_of(msh9: str, msh21: str, component: str, repetition: str) -> str:
    fields = [""] * 22
    fields[0], fields[9], fields[21] = "MSH", msh9, msh21
    msh = Msh(tuple(fields), Separators(component=component, repetition=repetition))
    kind, trigger, oids = msh.type, msh.trigger, msh.profiles
    if kind == "ACK":
        return ""
    by_trigger = BY_TRIGGER.get((kind, trigger), "")
    for oid in oids:
        if oid.startswith(ROOT):
            found = OIDS.get(oid.removeprefix(ROOT), "")
            if found and by_trigger in ("", "PCD-01", found):
                return found
    return by_trigger


ABNORMALITY = frozenset({"N", "L", "LL", "H", "HH", "A", "AA", "B", "W", "U", "D"})
PRIORITY = frozenset({"PN", "PL", "PM", "PH"})
ALERT_TYPE = frozenset({"SP", "ST", "SA"})
STATUS = frozenset(
    {
        "INV", "QUES", "NAV", "CAL", "TEST", "DEMO", "VAL", "EARLY", "BUSY", "ALACT", "ALINH",
        "NI", "NA", "OFF", "MSK", "OTH", "NAN", "PINF", "NINF", ">", "<",
    }
)  # fmt: skip
RESULT_STATUS = frozenset("BCDFINOPRSUVWXA")
"""OBX-11, HL7 table 0085."""
