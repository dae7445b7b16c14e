"""The official FHIRPath tests, and that the runner can see a failure."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from bench.conformance_fhirpath import SUITE, problem, run


@pytest.mark.suite
def test_all_official_cases_pass(suites: Path) -> None:
    counts, why = run(suites / SUITE)
    assert why == {}
    assert counts["total"] >= 600


@pytest.mark.parametrize(
    ("case", "passes"),
    [
        ("<test><expression>1 + 1</expression><output type='integer'>2</output></test>", True),
        ("<test><expression>1 + 1</expression><output type='integer'>3</output></test>", False),
        ("<test><expression>1 + 1</expression><output type='decimal'>2</output></test>", False),
        ("<test><expression>1 | 2</expression><output type='integer'>1</output></test>", False),
        ("<test><expression>2 | 1</expression><output>1</output><output>2</output></test>", False),
        ("<test ordered='false'><expression>2 | 1</expression><output>1</output><output>2</output></test>", True),
        ("<test><expression invalid='syntax'>1 +</expression></test>", True),
        ("<test><expression invalid='syntax'>1 + 1</expression></test>", False),
        ("<test><expression>1 +</expression></test>", False),
        ("<test predicate='true'><expression>{}</expression><output type='boolean'>true</output></test>", False),
    ],
)
def test_the_runner_tells_pass_from_fail(case: str, passes: bool, tmp_path: Path) -> None:
    assert (problem(ElementTree.fromstring(case), tmp_path) is None) is passes
