"""``wardbridge register load-…`` of cyber beside a running server."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import httpx

from tests.app.served import Served
from tests.app.test_commands import fine, run

CVE = "CVE-2024-20001"
BOM = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
    {"type": "library", "name": "parser", "version": "1.0", "purl": "pkg:npm/parser@1.0"},
    {"type": "library"}]}  # fmt: skip
FLAW = {"id": CVE, "modified": "2024-05-01T00:00:00Z", "affected": [
    {"package": {"ecosystem": "npm", "name": "parser"},
     "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]}]}  # fmt: skip
VEX = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "Acme", "statements": [
    {"vulnerability": {"name": CVE}, "products": [{"@id": "pkg:npm/parser@1.0"}], "status": "affected"}]}  # fmt: skip


def test_every_file_is_loaded_and_said(house: Served, tmp_path: Path) -> None:
    data = str(house.data)

    def put(name: str, sent: object) -> str:
        file = tmp_path / name
        text = sent if isinstance(sent, str) else json.dumps(sent)
        file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return str(file)

    listed = put("list.csv", "Make;Model;Serial Number\nCyber Works;Viewer;CW-1\n")
    fine("register", "import", listed, "--data", data)
    bill = json.loads(
        fine("register", "load-sbom", put("bom.json", BOM), "--model", "cyber works viewer", "--data", data)
    )
    assert (bill["components"], bill["refused"][0]["where"]) == (1, "components[1].name")
    flaws = json.loads(fine("register", "load-cve", put("cve.json.gz", FLAW), put("x.json", "{"), "--data", data))
    assert (flaws["read"], flaws["changed"], flaws["findings"], flaws["refused_count"]) == (1, 1, 1, 1)
    scores = f"#model_version:v1,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\n{CVE},0.5,0.9\n"
    assert json.loads(fine("register", "load-epss", put("epss.csv.gz", scores), "--data", data))["changed"] == 1
    assert json.loads(fine("register", "load-vex", put("vex.json", VEX), "--data", data))["statements"] == 1
    form = put("mds2.csv", "id,answer\nMPII-2.2,No\n")
    assert (
        json.loads(fine("register", "load-mds2", form, "--model", "Cyber Works Viewer", "--data", data))["answers"] == 1
    )
    again = json.loads(fine("register", "load-vex", str(tmp_path / "vex.json"), "--data", data))
    assert again["again"] is True
    token = fine("token", "--data", data, "--role", "physician")
    answer = httpx.get(f"{house.url}/fhir/DocumentReference/{bill['id']}", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["content"][0]["attachment"]["url"] == f"Binary/{bill['id']}"


def test_what_cannot_be_loaded_is_said(house: Served, tmp_path: Path) -> None:
    data, junk = str(house.data), tmp_path / "junk"
    junk.write_text("junk")
    for words, said in (
        (("load-sbom", str(junk), "--model", "nobody"), "no such model"),
        (("load-vex", str(junk)), "neither CycloneDX"), (("load-epss", str(junk)), "#model_version"),
        (("load-cve", str(tmp_path / "none")), "no such file"),
    ):  # fmt: skip
        done = run("register", *words, "--data", data)
        assert done.returncode == 2
        assert said in done.stderr
