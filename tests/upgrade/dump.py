"""Write a golden dump: the schema of this version with a few rows that people rely on.

Run once when a release is made: ``python -m tests.upgrade.dump tests/upgrade/NAME.sql``; older dumps stay.
The rows come from the running
product (real messages through ``serve``), never from hand-written SQL.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from tests.app.his import adt, heart_rate, now, pcd01, send
from tests.app.people import add
from tests.app.served import Served, served
from wardbridge.core.postgres import binaries

KEY = "02A17CFFFE110001"
_NOISE = re.compile(rb"^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog.set_config.*|)\n", re.MULTILINE)


def _fill(server: Served) -> None:
    add(server, "olivia", "nurse")
    send(server.mllp_port, adt("A01", "old-1", "OLD1", bed="OLD^1^1", at=now(-5), name="Former^Ona"))
    words = ["device", "add", "--data", str(server.data), "--key", KEY, "--place", "OLD|1|1"]
    subprocess.run([sys.executable, "-m", "wardbridge.cli", *words], check=True, capture_output=True)
    headers = {"authorization": f"Bearer {server.token()}", "content-type": "application/fhir+json"}

    def charted() -> bool:
        send(server.mllp_port, pcd01(KEY, f"old-{now().timestamp()}", [heart_rate("61.50")], at=now()))
        found = httpx.get(f"{server.url}/fhir/Observation?code=8867-4", headers=headers).json()
        return bool(found.get("entry"))

    server.until(charted)
    note = {"resourceType": "Basic", "code": {"text": "kept"}}
    httpx.post(f"{server.url}/fhir/Basic", headers=headers, content=json.dumps(note)).raise_for_status()


def main(target: Path) -> None:
    """Run a server, fill it, dump it as plain SQL without comments and settings."""
    with tempfile.TemporaryDirectory(prefix="wbu-") as folder, served(Path(folder) / "data") as server:
        _fill(server)
        # Parameters of types that are not used here are added again at every start; they are most of the file.
        server.fetch("""DELETE FROM fhir_parameter WHERE type NOT IN (
            SELECT name FROM fhir_type JOIN fhir_resource r ON r.type = number)""")
        dump = subprocess.run(
            [str(binaries() / "pg_dump"), "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=200",
             "--exclude-table-data=session", "--exclude-table-data=process_state", "--dbname", server.postgres.dsn],
            check=True, capture_output=True).stdout  # fmt: skip
    target.write_bytes(_NOISE.sub(b"", dump))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
