"""A backup is worth what its restore does: real data comes back, and new data flows on through every reader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.app.his import Receiver, adt, heart_rate, now, pcd01, send
from tests.app.people import PASSWORD, Browser, add
from tests.app.served import Served, served

KEY = "02A17CFFFE0E0001"
BED = "BACK^1^1"


def command(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wardbridge.cli", *words], capture_output=True, text=True,
                          timeout=180, check=False,
                          env={**os.environ, "WARDBRIDGE_DATABASE_SHARED_MB": "64", **environ})  # fmt: skip


def report(server: Served, control: str, rate: str) -> None:
    send(server.mllp_port, pcd01(KEY, control, [heart_rate(rate)], at=now()))


def rates(server: Served) -> set[str]:
    status, body = server.get("/fhir/Observation?code=http://loinc.org|8867-4&_count=200", "physician")
    assert status == 200
    return {str(e["resource"]["valueQuantity"]["value"]) for e in json.loads(body).get("entry", [])}


def charted(server: Served, rate: str) -> None:
    def seen() -> bool:
        report(server, f"{rate}-{now().timestamp()}", rate)
        return rate in rates(server)

    server.until(seen, every=0.5)


def test_a_restored_house_goes_on(tmp_path: Path) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "house.tar"
    old.mkdir()
    with Receiver() as receiver:
        (old / "wardbridge.toml").write_text(
            f'[charting.MDC_ECG_HEART_RATE]\nmode = "change"\nat_most_seconds = 1\n'
            f'[destinations.his]\nhost = "127.0.0.1"\nport = {receiver.port}\n',
            "utf-8",
        )
        with served(old) as server:
            add(server, "berta", "nurse")
            done = command("device", "add", "--data", str(old), "--key", KEY, "--place", BED.replace("^", "|"))
            assert done.returncode == 0, done.stderr
            send(server.mllp_port, adt("A01", "b1", "BACKUP1", bed=BED, at=now(-5), name="Back^Up"))
            charted(server, "71.0")
            server.until(lambda: receiver.about("|71.0|"))
            # The transaction numbers of this cluster run ahead of those of a fresh one.
            server.fetch("DO $$ BEGIN FOR n IN 1..3000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
            token = server.token("physician")
            done = command("backup", str(file), "--data", str(old))
            assert done.returncode == 0, done.stderr
            assert file.stat().st_mode & 0o777 == 0o600
            before = _counts(server)
            assert command("restore", str(file), "--data", str(old)).returncode == 2  # running, and not empty

        done = command("restore", str(file), "--data", str(new))
        assert done.returncode == 0, done.stderr
        again = command("restore", str(file), "--data", str(new))
        assert again.returncode == 2
        assert "holds a database already" in again.stderr

        with served(new) as server:
            assert {k: v for k, v in _counts(server).items() if v < before[k]} == {}
            assert "71.0" in rates(server)
            request = {"authorization": f"Bearer {token}"}
            import httpx

            assert httpx.get(f"{server.url}/fhir/Patient", headers=request).status_code == 200
            assert Browser(base_url=server.url).enter("berta", PASSWORD).status_code == 303
            # What arrives now goes through pipeline, feed and scores as ever.
            charted(server, "83.0")
            server.until(lambda: receiver.about("|83.0|"))
            marks = server.fetch("SELECT mark FROM alarm_cursor")
            charted(server, "84.0")
            server.until(lambda: server.fetch("SELECT mark FROM alarm_cursor") != marks)
            assert len(receiver.about("|71.0|")) == 1  # nothing is sent twice
            version = server.fetch("SELECT count(*) AS n FROM fhir_version")[0]["n"]
            assert version > before["fhir_version"]


def _counts(server: Served) -> dict[str, int]:
    names = ("fhir_resource", "fhir_version", "intake", "device", "place", "person", "audit_event", "chart_point")
    return {name: server.fetch(f"SELECT count(*) AS n FROM {name}")[0]["n"] for name in names}


def _altered(source: Path, target: Path, name: str, change: Any) -> None:
    with tarfile.open(source) as old, tarfile.open(target, "w") as fresh:
        for member in old.getmembers():
            data = old.extractfile(member).read()  # type: ignore[union-attr]
            data = change(data) if member.name == name else data
            member.size = len(data)
            import io

            fresh.addfile(member, io.BytesIO(data))


def test_a_damaged_backup_is_refused_and_leaves_an_empty_folder(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "b.tar"
    assert command("migrate", "--data", str(data)).returncode == 0
    done = command("backup", str(file), "--data", str(data))
    assert done.returncode == 0, done.stderr
    cases = {
        "short.tar": "not a Wardbridge backup",
        "text.tar": "not a Wardbridge backup",
        "flipped.tar": "is damaged",
        "newer.tar": "has format 99",
        "missing.tar": "not a Wardbridge backup",
    }
    (tmp_path / "short.tar").write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (tmp_path / "text.tar").write_text("hello")
    _altered(file, tmp_path / "flipped.tar", "database.dump", lambda raw: raw[:-10] + bytes(10))
    _altered(file, tmp_path / "newer.tar", "manifest.json", lambda raw: raw.replace(b'"format": 1', b'"format": 99'))
    for name, said in cases.items():
        fresh = tmp_path / f"fresh-{name}"
        done = command("restore", str(tmp_path / name), "--data", str(fresh))
        assert done.returncode == 2, (name, done.stdout, done.stderr)
        assert said in done.stderr, name
        assert "Traceback" not in done.stderr
        assert not (fresh / "postgres").exists()


@pytest.mark.parametrize("target", ["no/such/folder/b.tar"])
def test_a_backup_that_cannot_be_written_says_so(tmp_path: Path, target: str) -> None:
    assert command("migrate", "--data", str(tmp_path / "data")).returncode == 0
    done = command("backup", str(tmp_path / target), "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
