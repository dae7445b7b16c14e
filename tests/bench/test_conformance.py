"""The suite runners find what is wrong, and the report says it; with small suites written here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench import conformance, conformance_hl7v2_corpus, conformance_pcd, suite

MESSAGE = "\r".join([
    "MSH|^~\\&|MON^02A17CFFFE000001^EUI-64||WB||20260101120000+0000||ORU^R01^ORU_R01|1|P|2.6|||AL|NE|||||"
    "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
    "OBR|1||1^MON|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||20260101120000",
    "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||1^^02A17CFFFE000001^EUI-64",
    "OBX|2|NM|147842^MDC_ECG_CARD_BEAT_RATE^MDC|1.7.4.147842|72|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R",
    "",
]).encode()  # fmt: skip


def pcd(folder: Path, **changed: Any) -> Path:
    """A suite of one message; ``changed`` puts other facts into its index."""
    folder.mkdir()
    (folder / "one.hl7").write_bytes(MESSAGE)
    entry = {"file": "one.hl7", "profile": "PCD-01", "message_type": "ORU^R01^ORU_R01", "version": "2.6", "segments": 4,
             "obr": 1, "obx": 2, "accept_ack": "AL", "application_ack": "NE", "quirks": []}  # fmt: skip
    (folder / "index.json").write_text(json.dumps([{**entry, **changed}]))
    return folder


def test_a_message_that_is_as_the_index_says_passes(tmp_path: Path) -> None:
    counts, why = conformance_pcd.judge(pcd(tmp_path / "pcd"))
    assert (counts["passed"], counts["total"], why) == (1, 1, {})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"obx": 3}, "OBX: (4, 1, 2)"),
        ({"version": "2.5"}, "version is '2.6'"),
        ({"accept_ack": "NE", "application_ack": "AL"}, "answered ['CA'], asked for ['AA']"),
        ({"profile": "PCD-04"}, "read as 'PCD-01'"),
        ({"quirks": ["its source marks it as invalid"]}, "no problem is told"),
    ],
)
def test_a_difference_is_found_and_said(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    counts, why = conformance_pcd.judge(pcd(tmp_path / "pcd", **changed))
    assert counts["failures"] == ["one.hl7"]
    assert said in why["one.hl7"]


@pytest.mark.parametrize(
    ("accept", "application", "kind", "codes"),
    [
        ("", "", "ORU", ["AA"]),
        ("", "", "ACK", []),
        ("AL", "NE", "ORU", ["CA"]),
        ("NE", "AL", "ORU", ["AA"]),
        ("AL", "AL", "ORU", ["CA", "AA"]),
        ("AL", "AL", "RGV", ["CA"]),
        ("NE", "NE", "ORU", []),
        ("AL", "ER", "RGV", ["CA"]),
        ("NE", "AL", "QBP", ["AR"]),
    ],
)
def test_which_acknowledgement_is_due(accept: str, application: str, kind: str, codes: list[str]) -> None:
    assert conformance_pcd.asked(accept, application, kind) == codes


def test_corpus_compares_type_and_trigger(tmp_path: Path) -> None:
    record = {"id": "a", "type": "ORU", "trigger": "R01", "text": MESSAGE.decode()}
    with gzip.open(tmp_path / "messages.ndjson.gz", "wt") as file:
        file.write(json.dumps(record) + "\n" + json.dumps({**record, "id": "b", "trigger": "R40"}) + "\n")
    counts, why = conformance_hl7v2_corpus.judge(tmp_path)
    assert counts["total"] == 2
    assert list(why) == ["b"]


def test_an_absent_suite_is_said(tmp_path: Path) -> None:
    rows = list(conformance.run(tmp_path, ["pcd", "mdc"]))
    assert [row["missing"] for row in rows] == [str(tmp_path / "pcd"), str(tmp_path / "mdc")]
    assert "the suite was not there" in conformance.report(rows, "2026-01-01", "1.0")


def test_the_report_names_failures_and_marks_the_unexplained(tmp_path: Path) -> None:
    folder = tmp_path / "suites"
    folder.mkdir()
    pcd(folder / "pcd", obx=9)
    (row,) = conformance.run(folder, ["pcd"])
    assert row["unexplained"] == ["one.hl7"]
    assert "why" not in json.loads(conformance.line(row))
    text = conformance.report([row], "2026-01-01", "1.0")
    assert "| 0 | 1 | 0.0 |" in text
    assert "- `one.hl7` **has no documented reason**" in text
    assert all(f"`{name}`" in text for name in conformance.LATER)


def test_reasons_are_read_from_tables_and_lists_only(tmp_path: Path) -> None:
    (tmp_path / "s.md").write_text("# S\n\nText with `code`.\n\n| `a` `b` | why |\n- `c|d`: why\n  and `e`\n")
    assert suite.named("s", tmp_path) == {"a", "b", "c|d", "e"}
    assert suite.named("other", tmp_path) == set()


def test_every_suite_is_judged_or_waits() -> None:
    assert not set(conformance.RUNNERS) & set(conformance.LATER)


@pytest.mark.suite
def test_no_suite_is_forgotten(suites: Path) -> None:
    there = {folder.name for folder in suites.iterdir() if folder.is_dir()}
    assert there <= set(conformance.RUNNERS) | set(conformance.LATER)
