"""What can be wrong with a message, and the code HL7 has for it (HL7 table 0357)."""

from __future__ import annotations

import msgspec

SEGMENT_SEQUENCE = "100"
REQUIRED_FIELD = "101"
DATA_TYPE = "102"
TABLE_VALUE = "103"
UNSUPPORTED_MESSAGE = "200"
UNSUPPORTED_EVENT = "201"
UNSUPPORTED_PROCESSING = "202"
UNSUPPORTED_VERSION = "203"
UNKNOWN_KEY = "204"
DUPLICATE_KEY = "205"
INTERNAL = "207"

TABLE_0357 = {
    "0": "Message accepted",
    SEGMENT_SEQUENCE: "Segment sequence error",
    REQUIRED_FIELD: "Required field missing",
    DATA_TYPE: "Data type error",
    TABLE_VALUE: "Table value not found",
    "104": "Value too long",
    "198": "Non-conformant cardinality",
    "199": "Other HL7 error",
    UNSUPPORTED_MESSAGE: "Unsupported message type",
    UNSUPPORTED_EVENT: "Unsupported event code",
    UNSUPPORTED_PROCESSING: "Unsupported processing id",
    UNSUPPORTED_VERSION: "Unsupported version id",
    UNKNOWN_KEY: "Unknown key identifier",
    DUPLICATE_KEY: "Duplicate key identifier",
    "206": "Application record locked",
    INTERNAL: "Application error",
}


class Problem(msgspec.Struct, frozen=True):
    """Something odd in a message that was read all the same.

    `what` is plain English without values off the wire; `where` names the place as
    `OBX[3]-14` (third OBX, field 14) or `byte 17`; `code` is from HL7 table 0357.
    """

    what: str
    where: str = ""
    code: str = "199"


class Hl7Error(ValueError):
    """A message that cannot be read at all: what, where, and the code of HL7 table 0357."""

    def __init__(self, what: str, where: str = "", code: str = SEGMENT_SEQUENCE) -> None:
        super().__init__(f"{what} ({where})" if where else what)
        self.what = what
        self.where = where
        self.code = code

    def problem(self) -> Problem:
        """The same fact as a value."""
        return Problem(self.what, self.where, self.code)
