"""Priority, judgements, versions and feeds as pure functions."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.feeds import cve5, epss, nvd, osv, score
from wardbridge.equipment.cyber.feeds.read import read
from wardbridge.equipment.cyber.priority import EFFECT, EXPOSURE, WEIGHT, Facts, priority
from wardbridge.equipment.cyber.triage import Triage, checked, standing
from wardbridge.equipment.cyber.values import Refused, Vulnerability
from wardbridge.equipment.cyber.versions import Span, compare, covers, from_vers, judge

NOW = 1_767_225_600_000_000
FACTS = st.builds(
    Facts, kev=st.booleans(), ransomware=st.booleans(),
    due=st.one_of(st.none(), st.integers(NOW - 90 * DAY, NOW + 90 * DAY)),
    epss=st.floats(0, 1), cvss=st.floats(0, 10), criticality=st.sampled_from(list(WEIGHT)),
    exposure=st.sampled_from(list(EXPOSURE)), controls=st.lists(st.sampled_from(list(EFFECT)), max_size=2).map(tuple),
    sure=st.booleans(),
)  # fmt: skip


@given(FACTS, FACTS)
def test_what_is_exploited_comes_before_what_is_not(one: Facts, two: Facts) -> None:
    exploited = msgspec.structs.replace(one, kev=True)
    other = msgspec.structs.replace(two, kev=False, criticality=one.criticality, exposure=one.exposure,
                                    controls=one.controls)  # fmt: skip
    assert priority(exploited, NOW).value > priority(other, NOW).value


RISES: dict[str, tuple[Any, ...]] = {
    "kev": (False, True), "ransomware": (False, True), "epss": (0.1, 0.9), "cvss": (1.0, 9.0),
    "criticality": tuple(sorted(WEIGHT, key=WEIGHT.__getitem__)), "sure": (False, True),
    "exposure": tuple(sorted(filter(None, EXPOSURE), key=EXPOSURE.__getitem__)),
    "due": (NOW + 60 * DAY, NOW + 10 * DAY, NOW - DAY), "controls": (("blocks",), ("reduces",), ("detects",), ()),
}  # fmt: skip


@given(FACTS, st.sampled_from(list(RISES)))
def test_it_never_falls_when_a_term_rises(facts: Facts, name: str) -> None:
    values = [priority(msgspec.structs.replace(facts, **{name: value}), NOW).value for value in RISES[name]]
    assert values == sorted(values)


@given(FACTS)
def test_the_terms_give_the_number(facts: Facts) -> None:
    found = priority(facts, NOW)
    value = sum(term.value for term in found.terms if not term.times)
    for term in found.terms:
        value *= term.value if term.times else 1
    assert found.value == pytest.approx(value, abs=0.02)


def judgement(**fields: Any) -> Triage:
    return Triage(**{"triage_id": "t", "cve": "CVE-1", "model_id": "m", "family": "f", "state": "exploitable",
                     "by": "p", "display": "P", "at": 1} | fields)  # fmt: skip


def test_the_newest_judgement_counts_whatever_the_order() -> None:
    found = [judgement(at=1, state="exploitable"), judgement(at=2, state="resolved", triage_id="u")]
    assert standing(found, "1", False, NOW) == standing(found[::-1], "1", False, NOW)
    assert (standing(found, "1", False, NOW).state, standing(found, "1", False, NOW).open) == ("resolved", False)
    assert standing([], "1", True, NOW).open


@pytest.mark.parametrize(
    ("fields", "version", "kev", "is_open"),
    [
        ({"state": "not_affected"}, "1.0", False, False), ({"state": "not_affected"}, "1.0", True, True),
        ({"state": "not_affected", "kev": True}, "1.0", True, False),
        ({"state": "not_affected", "versions": "vers:generic/<2"}, "1.9", False, False),
        ({"state": "not_affected", "versions": "vers:generic/<2"}, "2.0", False, True),
        ({"state": "resolved"}, "1.0", True, False), ({"state": "exploitable"}, "1.0", False, True),
        ({"state": "accepted", "until": NOW + 1}, "1.0", False, True),
        ({"state": "accepted", "until": NOW + 1, "sides": ("biomed", "it")}, "1.0", False, False),
        ({"state": "accepted", "until": NOW, "sides": ("biomed", "it")}, "1.0", False, True),
        ({"state": "accepted", "until": NOW + 1, "sides": ("biomed", "it")}, "1.0", True, True),
    ],
)  # fmt: skip
def test_what_opens_a_judgement_again(fields: dict[str, Any], version: str, kev: bool, is_open: bool) -> None:
    assert standing([judgement(**fields)], version, kev, NOW).open is is_open


def test_what_a_judgement_needs() -> None:
    for fields in ({"state": "maybe"}, {"state": "not_affected"}, {"state": "resolved"}, {"state": "accepted"},
                   {"state": "exploitable", "versions": "<2"}):  # fmt: skip
        with pytest.raises(Invalid):
            checked(judgement(**fields), NOW)
    assert checked(judgement(note="x"), NOW).digest != checked(judgement(note="y"), NOW).digest


ORDER = ("0.9", "1.0a1", "1.0-rc1", "1.0", "1.0.1", "1.2", "1.10", "1.10b", "2.0", "10.0")


def test_versions_of_no_scheme_are_in_this_order() -> None:
    for at, left in enumerate(ORDER):
        for to, right in enumerate(ORDER):
            assert compare(left, right) == (at > to) - (at < to), (left, right)
    assert compare("v2.1", "2.1.0") == 0
    assert compare("1.0.2k", "1.0.2") == 1


@pytest.mark.parametrize(
    ("scheme", "lower", "higher"),
    [("maven", "1.0-alpha-1", "1.0"), ("pypi", "1.0.dev1", "1.0a1"), ("deb", "1.0~rc1", "1.0"), ("deb", "9", "1:1"),
     ("rpm", "1.0-1", "1.0-2"), ("npm", "1.0.0-beta.2", "1.0.0-beta.11"), ("gem", "1.0.a", "1.0"),
     ("npm", "1.2.3.4", "1.2.3.5"), ("golang", "v1.2.3", "v1.10.0")],
)  # fmt: skip
def test_versions_of_ecosystems(scheme: str, lower: str, higher: str) -> None:
    assert compare(lower, higher, scheme) == -1
    assert compare(higher, lower, scheme) == 1


@given(
    st.text(max_size=10),
    st.text(max_size=10),
    st.sampled_from(["", "npm", "pypi", "maven", "deb", "rpm", "gem", "nuget"]),
)
def test_any_two_versions_can_be_compared(left: str, right: str, scheme: str) -> None:
    assert compare(left, right, scheme) == -compare(right, left, scheme)


def test_commits_have_no_order() -> None:
    assert covers(Span("abc", "abc", end_in=True), "abc", "git")
    assert not covers(Span("abc", "def"), "bcd", "git")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [("vers:npm/1.2.3", ["1.2.3"], ["1.2.4"]), ("vers:pypi/*", ["1", "9"], []),
     ("vers:npm/>=1.0.0|<2.0.0|>=3.0.0", ["1.5.0", "4.0.0"], ["0.9.0", "2.5.0"]),
     ("vers:npm/<1.0.0", ["0.1.0"], ["1.0.0"]), ("vers:npm/!=1.0.0", ["1.1.0"], ["1.0.0"]),
     ("vers:generic/>1.0|<=2%2B1", ["1.5"], ["1.0"])],
)  # fmt: skip
def test_ranges_in_vers_notation(text: str, inside: list[str], outside: list[str]) -> None:
    affects = from_vers(text)
    assert all(judge(affects, one)[0] == "affected" for one in inside)
    assert all(judge(affects, one)[0] == "unaffected" for one in outside)


def test_what_is_no_range_is_refused() -> None:
    for text in ("", ">=1", "vers:npm", "vers:npm/>="):
        with pytest.raises(Invalid):
            from_vers(text)


@pytest.mark.parametrize(
    ("vector", "value"),
    [("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5), ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
     ("CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N", 2.2),
     ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3), ("nonsense", None), ("", None)],
)  # fmt: skip
def test_scores(vector: str, value: float | None) -> None:
    assert score.score(vector) == value


def test_the_newest_kind_of_score_is_the_one_to_go_by() -> None:
    three, two = "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N", "AV:N/AC:L/Au:N/C:C/I:C/A:C"
    assert score.best([two, "broken", three]) == (2.2, three)
    assert score.best([]) == (None, "")


def test_cve_record_with_ssvc_and_kev_of_the_adp() -> None:
    record = {
        "dataType": "CVE_RECORD",
        "cveMetadata": {"cveId": "CVE-2024-1", "state": "PUBLISHED", "dateUpdated": "2024-05-01"},
        "containers": {
            "cna": {"descriptions": [{"lang": "de", "value": "nein"}, {"lang": "en", "value": "yes"}],
                    "affected": [{"vendor": "n/a", "product": "n/a",
                                  "versions": [{"version": "n/a", "status": "affected"}]},
                                 {"vendor": "Acme", "product": "Flow", "packageName": "a:b",
                                  "collectionURL": "https://repo.maven.apache.org/maven2",
                                  "defaultStatus": "affected"}]},
            "adp": [{"metrics": [
                {"other": {"type": "ssvc",
                           "content": {"options": [{"Exploitation": "active"}, {"Technical Impact": "Total"}]}}},
                {"other": {"type": "kev", "content": {}}},
                {"cvssV3_1": {"vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "baseScore": 1.0}}]}],
        },
    }  # fmt: skip
    flaw = cve5.read(record)
    assert (flaw.text, flaw.kev, flaw.cvss) == ("yes", True, 9.8)
    assert flaw.ssvc == {"exploitation": "active", "technical_impact": "total"}
    assert [one.product for one in flaw.body.texts] == ["Flow"]
    assert [one.purl for one in flaw.body.packages] == ["pkg:maven/a/b"]


def test_files_of_every_shape_and_what_is_refused() -> None:
    record = {"cveMetadata": {"cveId": "CVE-2024-1"}, "containers": {}}
    lines = b"\n".join([json.dumps(record).encode(), b"{broken", b'{"a": 1}', b"3"])
    found = list(read(lines, "file"))
    assert [one.cve for one in found if isinstance(one, Vulnerability)] == ["CVE-2024-1"]
    assert [one.where for one in found if isinstance(one, Refused)] == ["file line 2", "file line 2", "file line 3"]
    assert [type(one).__name__ for one in read(b"\x1f\x8bx", "file")] == ["Refused"]
    assert len(list(read(json.dumps([record, record]).encode(), "file"))) == 2


def test_osv_without_a_cve_keeps_its_own_name_and_withdrawn_is_rejected() -> None:
    (one,) = osv.read({"id": "GHSA-1", "modified": "x", "withdrawn": "2024-01-01T00:00:00Z"})
    assert (one.cve, one.state) == ("GHSA-1", "rejected")
    two = osv.read({"id": "GHSA-2", "modified": "x", "aliases": ["CVE-1", "CVE-2"]})
    assert [one.cve for one in two] == ["CVE-1", "CVE-2"]
    assert "GHSA-2" in two[0].aliases


def test_a_rejected_cve_of_the_nvd() -> None:
    assert nvd.read({"id": "CVE-2024-1", "vulnStatus": "Rejected"}).state == "rejected"
    with pytest.raises(Invalid):
        nvd.read({"id": "x"})


def test_epss_lines_that_are_none_are_named() -> None:
    text = "#model_version:v1,score_date:2024-01-02T00:00:00+0000\ncve,epss,percentile\nCVE-2024-0001,0.5,0.9\nx,1,1\n"
    found = epss.read(text + "CVE-2024-0002,2,0\nCVE-2024-0003\n")
    assert found.rows == (("CVE-2024-0001", 0.5, 0.9),)
    assert [one.where for one in found.refused] == ["line 4", "line 5", "line 6"]
    for bad in (
        "",
        "cve,epss,percentile\n",
        "#score_date:2024-13-99\ncve,epss,percentile\n",
        "#score_date:2024-01-01\nx\n",
    ):
        with pytest.raises(Invalid):
            epss.read(bad)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["affected", "versions", "version", "status", "cna", "adp", "metrics", "nodes", "cpeMatch",
                         "criteria", "ranges", "events", "package", "name", "purl", "cpes", "changes", "other"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JUNK)
def test_no_feed_breaks_it(junk: Any) -> None:
    for sent in (
        {"cveMetadata": {"cveId": "CVE-2024-1"}, "containers": {"cna": junk, "adp": [junk]}},
        {"vulnerabilities": [{"cve": {"id": "CVE-2024-1", "configurations": junk, "metrics": junk}}]},
        {"id": "X-1", "modified": "x", "affected": junk, "severity": junk, "aliases": junk},
        {"id": "X-1", "modified": "x", "affected": [junk]},
    ):
        assert list(read(json.dumps(sent).encode(), "file"))
