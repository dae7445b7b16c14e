"""The public suite of the terminology ecosystem, by the runner of ``bench``; its comparison is tested on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.conformance_tx import Comparison, from_r4, to_r4
from bench.suite import named

from bench import conformance_tx


@pytest.mark.suite
def test_suite(suites: Path) -> None:
    """Every case passes but those that the document explains."""
    folder = suites / "tx"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    found, why = conformance_tx.judge(folder)
    assert found["total"] >= 395
    assert set(why) == {name for name in named("tx") if "/" in name}


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({"$optional-properties$": ["b"], "a": 1, "b": 2}, {"a": 1}, True),
        ({"$optional-properties$": ["b"], "a": 1, "b": 2}, {"a": 1, "b": 3}, False),
        ([{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}], True),
        ([{"a": 1}], [{"a": 1}, {"a": 1}], False),
        ([{"a": 1}, {"$optional$": True, "a": 2}], [{"a": 1}], True),
        ([{"$optional$": True, "a": "$$"}, {"a": "x"}], [{"a": "x"}], True),
        (["$choice:a|b$"], ["b"], True),
        (["$choice:a|b$"], ["c"], False),
        ("$fragments:one|two$", "two and one", True),
        ("$fragments:one|two$", "two", False),
        ("$external:1:x$", "with x", True),
        ("$external:1:x$", "the known words", True),
        ("$external:1:x$", "without", False),
        ("$uuid$", "urn:uuid:8acdbfdc-e9d2-11ed-a05b-0242ac120003", True),
        ("$uuid$", "8acdbfdc", False),
        ("http://a|$version$", "http://a|1.0", True),
        ("http://a|$version$", "http://a", False),
        ("$instant$", "2024-01-01T00:00:00.000Z", True),
        ({"$count-arrays$": ["c"], "c": [1, 2]}, {"c": [3, 4]}, True),
        ({"$count-arrays$": ["c"], "c": [1, 2]}, {"c": [3]}, False),
        (True, 1, False),
    ],
)
def test_comparison(expected: Any, actual: Any, same: bool) -> None:
    assert (Comparison({"1": "the known words"}).differs(expected, actual) == "") is same


def test_conversion() -> None:
    concept_map = {
        "resourceType": "ConceptMap",
        "sourceScopeUri": "http://a",
        "group": [{"element": [{"code": "x", "target": [{"code": "y", "relationship": "equivalent"}]}]}],
    }
    found = to_r4(concept_map)
    assert found["sourceUri"] == "http://a"
    assert found["group"][0]["element"][0]["target"] == [{"code": "y", "equivalence": "equivalent"}]
    entry = {
        "code": "x",
        "extension": [
            {
                "url": conformance_tx.R5 + "contains.property",
                "extension": [{"url": "code", "valueCode": "order"}, {"url": "value", "valueDecimal": 1}],
            }
        ],
    }
    assert from_r4(entry) == {"code": "x", "property": [{"code": "order", "valueDecimal": 1}]}
