"""The official examples and the reference validator's base cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import conformance_examples, conformance_validator

# What the reference validator refuses or accepts by means that base R4 validation here does not have yet.
MOST_DISAGREEMENTS = 34


@pytest.mark.suite
def test_examples_are_valid_but_for_the_listed_ones(suites: Path) -> None:
    counts, why = conformance_examples.run(suites / conformance_examples.SUITE)
    assert why == {}
    assert counts["changed_by_round_trip"] == 0
    assert counts["total"] == 5298
    assert counts["with_errors"] == len(conformance_examples.exceptions())


@pytest.mark.suite
def test_verdicts_of_the_reference_validator(suites: Path) -> None:
    counts, why = conformance_validator.run(suites / conformance_validator.SUITE)
    assert counts["total"] >= 140
    assert len(why) <= MOST_DISAGREEMENTS, why


def test_every_exception_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in conformance_examples.exceptions().values())
