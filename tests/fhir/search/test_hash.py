"""Test vectors of the frozen functions: a change of any of these values makes every stored row wrong."""

from __future__ import annotations

import pytest

from wardbridge.fhir.search.hash import STRING_BYTES, clip, fold, hash64, reference_hash, token_hash


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", -1970711489451281740),
        ("8867-4", 406614284919820271),
        ("Größe", 1791692796669528437),
    ],
)
def test_hash64(text: str, value: int) -> None:
    assert hash64(text) == value


def test_token_and_reference() -> None:
    assert token_hash("8867-4") == 3863173653401842091
    assert token_hash("AbC") == token_hash("aBc")
    assert reference_hash("Patient", "123") == 3158994006399252631
    assert reference_hash("Patient", "123") != reference_hash("", "Patient/123")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Müller", "muller"),
        ("  Ada   T. ", "ada t."),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ÅngstrÖm", "angstrom"),
    ],
)
def test_fold(text: str, value: str) -> None:
    assert fold(text) == value


def test_clip_cuts_at_a_character() -> None:
    text = "ü" * STRING_BYTES
    assert clip(text) == "ü" * (STRING_BYTES // 2)
    assert clip("short") == "short"
