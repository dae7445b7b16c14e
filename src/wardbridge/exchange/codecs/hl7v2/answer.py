"""Reading an acknowledgement that we receive (MSA, ERR)."""

from __future__ import annotations

from wardbridge.exchange.codecs.hl7v2.ack import Answer
from wardbridge.exchange.codecs.hl7v2.message import Message


def read_answer(message: Message) -> Answer | None:
    """MSA and ERR of a message; None where it has no MSA."""
    msa = message.first("MSA")
    if msa is None:
        return None
    errors = tuple(
        " ".join(filter(None, (err.get(3), err.get(3, 2), err.get(7), err.get(8)))) or err.get(1, 4, 2)
        for err in message.all("ERR")
    )
    return Answer(msa.get(1).strip().upper(), msa.get(2).strip(), msa.get(3), errors)
