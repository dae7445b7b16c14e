"""Escapes in search values: ``\\,`` ``\\|`` ``\\$`` ``\\\\`` (R4 search §3.1.1.4.2)."""

from __future__ import annotations


def split_on(text: str, sign: str, limit: int = -1) -> list[str]:
    """Split at ``sign`` where it is not escaped; escapes stay for :func:`plain`."""
    out: list[str] = []
    start = at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == sign and limit != len(out):
            out.append(text[start:at])
            start = at + 1
        at += 1
    out.append(text[start:])
    return out


def plain(text: str) -> str:
    """Without escapes."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in ",|$\\":
            at += 1
        out.append(text[at])
        at += 1
    return "".join(out)


def split_values(text: str) -> list[str]:
    """The values of an or-list, still escaped; empty ones are left out."""
    return [part for part in split_on(text, ",") if part] or [text]
