"""``wardbridge register`` and ``wardbridge udi`` beside a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx

from tests.app.served import Served
from tests.app.test_commands import fine, run

LIST = "Asset No;Make;Model;Serial Number;MAC;VLAN\nA-1;Acme;Flow 3;S1;AA-BB-CC-00-00-01;20\nA-2;Acme;Flow 3;S2;;5000\n"


def test_a_list_in_and_out_beside_a_server(house: Served, tmp_path: Path) -> None:
    data, file = str(house.data), tmp_path / "list.csv"
    file.write_text(LIST)
    seen = run("register", "import", str(file), "--preview", "--data", data)
    assert (seen.returncode, "would be created: 1" in seen.stdout) == (1, True)
    done = run("register", "import", str(file), "--data", data)
    assert done.returncode == 1
    assert "created: 1" in done.stdout
    assert "refused: row 3, VLAN: '5000' is no VLAN" in done.stdout
    token = fine("token", "--data", data, "--role", "technician")
    bundle = httpx.get(f"{house.url}/fhir/Device?identifier=urn:wardbridge:asset-tag|A-1",
                       headers={"authorization": f"Bearer {token}"}).json()  # fmt: skip
    (entry,) = bundle["entry"]
    assert entry["resource"]["serialNumber"] == "S1"
    book = tmp_path / "out.xlsx"
    fine("register", "export", "--data", data, "--out", str(book))
    again = fine("register", "import", str(book), "--data", data)
    assert "created: 0\nchanged: 0\n" in again
    assert "refused: 0" in again
    leases = tmp_path / "leases"
    leases.write_text("1767258000 aa:bb:cc:00:00:01 10.0.0.9 pump *\n")
    assert json.loads(fine("register", "discover", str(leases), "--data", data))["fresh"] == 1


def test_what_cannot_be_done_is_said(house: Served, tmp_path: Path) -> None:
    data = str(house.data)
    junk = tmp_path / "junk.csv"
    junk.write_bytes(b"\x00\x01")
    for words, said in (
        (("import", str(tmp_path / "none.csv")), "No such file"),
        (("import", str(junk)), "no text has"),
        (("export", "--out", str(tmp_path / "out.pdf")), "written as .csv or .xlsx"),
        (("discover", str(junk)), "no text"),
    ):
        done = run("register", *words, "--data", data)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_labels_are_taken_apart_without_a_database() -> None:
    first, second = fine("udi", "(01)09506000117843(21)S5", "=nonsense").splitlines()
    assert (json.loads(first)["di"], json.loads(first)["serial"]) == ("09506000117843", "S5")
    assert json.loads(second)["warnings"]
    lines = b"0109506000117843172607001012\x1d21X1\n\n+A123BJC5D6E71/$$52001510X3C\r\n"
    done = subprocess.run([sys.executable, "-m", "wardbridge.cli", "udi"], input=lines, capture_output=True, check=True)
    one, two = (json.loads(line) for line in done.stdout.splitlines())
    assert (one["lot"], one["serial"], one["expiration"]) == ("12", "X1", "2026-07-31")
    assert (two["issuer"], two["lot"]) == ("HIBCC", "10X3")
