"""``serve`` starts, says so once, ends with 0, and comes back from kill -9 of any of its processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.app.his import code, heart_rate, pcd01, send
from tests.app.served import Served, free_port, served


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def ready(server: Served) -> bool:
    return server.get("/readyz")[0] == 200


def own(server: Served) -> dict[str, int]:
    found = {name: server.child(name) for name in ("gateway", "engine", "jobs", "web")}
    return {name: pid for name, pid in found.items() if pid is not None}


def fails(*words: str, **environ: str) -> tuple[int, str]:
    """Exit code and stderr of a command that must not hang."""
    done = subprocess.run([sys.executable, "-m", "wardbridge.cli", *words], capture_output=True, text=True, timeout=90,
                          env={**os.environ, "WARDBRIDGE_DATABASE_SHARED_MB": "64", **environ},
                          check=False)  # fmt: skip
    return done.returncode, done.stderr


def test_a_life(tmp_path: Path) -> None:
    """One server through start, a second server, kill -9 of everything, restart on the same ports, SIGTERM."""
    with served(tmp_path / "data") as server:
        assert server.lines == [f"ready {server.url}"]
        assert ready(server)

        exit_code, text = fails("serve", "--data", str(server.data), "--port", str(free_port()))
        assert exit_code == 2
        assert "another Wardbridge is running" in text
        assert ready(server)

        for name in ("gateway", "engine", "jobs", "web"):
            before = own(server)[name]
            assert server.kill_child(name)
            server.until(lambda name=name, before=before: own(server).get(name) not in {None, before}, every=0.05)
            if name != "web":
                assert _reason(server) in {f"the process {name} does not report", ""}
            server.until(lambda: ready(server))

        before_pid = server.postgres.pid()
        assert server.kill_child("postgres")
        server.until(
            lambda: server.get("/readyz")[0] == 503 or server.postgres.pid() not in {None, before_pid}, every=0.02
        )
        server.until(lambda: ready(server) and server.postgres.pid() not in {None, before_pid})
        assert code(send(server.mllp_port, pcd01("02A17CFFFE0000A1", "L1", [heart_rate("71")]))[0]) == "CA"

        children, postgres = own(server), server.postgres.pid()
        server.kill()
        server.start()
        assert server.postgres.pid() == postgres
        assert set(own(server)) == set(children)
        assert not set(own(server).values()) & set(children.values())
        assert server.lines == [f"ready {server.url}"] * 2
        assert not any(alive(pid) for pid in children.values())
        assert code(send(server.mllp_port, pcd01("02A17CFFFE0000A1", "L2", [heart_rate("72")]))[0]) == "CA"

        # The main process and PostgreSQL at once: nothing is taken over, everything is on disk.
        server.kill()
        os.kill(postgres or 0, signal.SIGKILL)
        server.start()
        assert [row["control"] for row in server.fetch("SELECT control FROM intake ORDER BY sequence")] == ["L1", "L2"]

        children, postgres = own(server), server.postgres.pid()
        assert server.stop() == 0
        assert not any(alive(pid) for pid in [*children.values(), postgres or 0])


def _reason(server: Served) -> str:
    status, body = server.get("/readyz")
    return "" if status == 200 else json.loads(body)["problems"][0]


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for name, words in (("port", ["--port", str(port), "--mllp-port", str(free_port())]),
                            ("mllp_port", ["--port", str(free_port()), "--mllp-port", str(port)])):  # fmt: skip
            exit_code, text = fails("serve", "--data", str(tmp_path / "data"), *words, WARDBRIDGE_LOG_LEVEL="error")
            assert exit_code == 2
            assert text.startswith(f"wardbridge: {name}: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert Served(tmp_path / "data").postgres.pid() is None


@pytest.mark.parametrize(("line", "said"), [
    ('tls_cert = "{folder}/x.pem"\ntls_key = "{folder}/x.pem"', "tls: the certificate or its key is not usable"),
    ('mllp_tls_cert = "{folder}/x.pem"\nmllp_tls_key = "{folder}/x.pem"', "mllp_tls: the certificate"),
    ('[destinations.his]\nhost = "h"\nport = "many"', "destinations.his"),
    ('[destinations.his]\nhost = "h"', "destinations.his"),
    ("[links.vent]\nadapter = \"127.0.0.1\"", "links.vent names no driver"),
    ("port = 0", "port must be between 1 and 65535"),
    ("prot = 8080", "prot"),
    ('log_level = "loud"', "log_level is one of"),
    ("port = [", "wardbridge.toml"),
])  # fmt: skip
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    (tmp_path / "wardbridge.toml").write_text(line.format(folder=tmp_path))
    exit_code, text = fails("serve", "--data", str(tmp_path))
    assert exit_code == 2
    assert said in text
    assert text.startswith("wardbridge: ")
    assert text.count("\n") == 1
    assert not (tmp_path / "postgres").exists()


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.3, 1.0, 2.0, 3.0, 4.0, 6.0])
def test_sigterm_during_start_ends_with_0_and_leaves_nothing(tmp_path: Path, after: float) -> None:
    server = Served(tmp_path / "data")
    process = subprocess.Popen(server._words, env=server._environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(after)
    process.terminate()
    # While Python still loads the program, the signal does what it does to any program.
    assert process.wait(60) in ({0, -signal.SIGTERM} if after < 1 else {0})
    process.communicate()
    assert server.postgres.pid() is None
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False).stdout
    assert left == ""


@pytest.mark.slow
def test_sigterm_under_load_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        acked: list[str] = []
        over = threading.Event()

        def load(number: int) -> None:
            from hl7.client import MLLPClient

            at = 0
            try:
                with MLLPClient("127.0.0.1", server.mllp_port) as client:
                    client.socket.settimeout(20)
                    while not over.is_set():
                        at += 1
                        control = f"T{number}M{at}"
                        answer = client.send_message(pcd01("02A17CFFFE0000A1", control, [heart_rate(str(at))]))
                        if f"MSA|CA|{control}".encode() not in answer:
                            return
                        acked.append(control)
            except OSError:
                return

        threads = [threading.Thread(target=load, args=(number,), daemon=True) for number in range(4)]
        for thread in threads:
            thread.start()
        server.until(lambda: len(acked) > 300, every=0.02)
        assert server.stop() == 0
        over.set()
        for thread in threads:
            thread.join(30)
        server.start()
        rows: list[Any] = server.fetch("SELECT control, count(*) AS n FROM intake GROUP BY control")
        stored = {row["control"]: row["n"] for row in rows}
        assert set(acked) - set(stored) == set()
        assert set(stored.values()) == {1}
