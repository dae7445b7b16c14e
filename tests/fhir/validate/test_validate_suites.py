"""The official examples and the reference validator's base cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.suite import named

from bench import conformance_examples, conformance_validator


@pytest.mark.suite
def test_examples_are_valid_but_for_the_listed_ones(suites: Path) -> None:
    counts, why = conformance_examples.run(suites / conformance_examples.SUITE)
    assert why == {}
    assert counts["changed_by_round_trip"] == 0
    assert counts["total"] == 5298
    assert counts["with_errors"] == len(conformance_examples.exceptions())


@pytest.mark.suite
def test_verdicts_of_the_reference_validator(suites: Path) -> None:
    counts, why = conformance_validator.judge(suites / conformance_validator.SUITE)
    assert counts["total"] >= 140
    assert set(why) <= named(conformance_validator.SUITE)
    assert counts["passed"] >= 0.95 * counts["total"]


def test_every_exception_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in conformance_examples.exceptions().values())
