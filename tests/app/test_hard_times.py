"""Hard times on the wire: a full disk, garbage, floods, slow senders, frames without end."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.his import END, START, Receiver, adt, code, heart_rate, pcd01, send
from tests.app.people import browser
from tests.app.served import Served, served

KEY = "02A17CFFFE0F0001"


@contextlib.contextmanager
def line(port: int, timeout: float = 20) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as made:
        yield made


def rest(made: socket.socket) -> bytes:
    """Everything until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := made.recv(65536):
            found += data
    return found


def test_a_full_disk(tmp_path: Path) -> None:
    """Nothing is acknowledged or written, everything can be read; with room again all goes on."""
    patient = json.dumps({"resourceType": "Patient", "name": [{"family": "Full"}]})
    with served(tmp_path / "data") as server:
        assert code(send(server.mllp_port, pcd01(KEY, "D1", [heart_rate("70")]))[0]) == "CA"
        headers = {"authorization": f"Bearer {server.token()}", "content-type": "application/fhir+json"}
        assert httpx.post(f"{server.url}/fhir/Patient", content=patient, headers=headers).status_code == 201
        server.stop()

        free = shutil.disk_usage(tmp_path).free
        settings = tmp_path / "data" / "wardbridge.toml"
        settings.write_text(f"disk_reserve_mb = {free // 1_000_000 + 100_000}\n")
        process = server.start_only()
        server.until(lambda: server.get("/readyz")[0] == 503 and server.get("/healthz")[0] == 200)
        server.until(lambda: "disk" in json.loads(server.get("/readyz")[1])["problems"][0])
        assert process.poll() is None
        for message in (pcd01(KEY, "D2", [heart_rate("71")]), adt("A01", "D3", "FULL1", bed="F^1^1")):
            with line(server.mllp_port) as made:
                made.sendall(START + message + END)
                assert rest(made) == b""  # closed without an answer
        for method, path, body in (("POST", "Patient", patient), ("DELETE", "Patient/x", ""),
                                   ("POST", "", '{"resourceType":"Bundle","type":"transaction","entry":[{"resource":'
                                    + patient + ',"request":{"method":"POST","url":"Patient"}}]}')):  # fmt: skip
            answer = httpx.request(method, f"{server.url}/fhir/{path}", content=body, headers=headers)
            assert answer.status_code == 503, (method, path)
            assert answer.json()["resourceType"] == "OperationOutcome"
            assert "disk" in answer.json()["issue"][0]["diagnostics"]
            assert answer.headers["retry-after"]
        found = httpx.get(f"{server.url}/fhir/Patient?family=Full", headers=headers)
        assert found.json()["total"] == 1
        assert server.fetch("SELECT control FROM intake")[0]["control"] == "D1"
        server.stop()

        settings.write_text("disk_reserve_mb = 1\n")
        server.start()
        assert code(send(server.mllp_port, pcd01(KEY, "D2", [heart_rate("71")]))[0]) == "CA"
        assert httpx.post(f"{server.url}/fhir/Patient", content=patient, headers=headers).status_code == 201
        assert len(server.fetch("SELECT 1 FROM intake")) == 2


def test_garbage_is_counted_kept_and_found(house: Served) -> None:
    garbage = bytes(range(1, 11)) + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"\xff" * 300
    with line(house.mllp_port) as made:
        made.sendall(garbage)
        made.shutdown(socket.SHUT_WR)
        assert b"MSA|CA" not in rest(made)
    kept = house.until(lambda: house.fetch(
        "SELECT sequence FROM intake WHERE profile = 'junk' AND status <> 'ok' ORDER BY sequence DESC"))  # fmt: skip
    assert kept
    operator = browser(house, "operator")
    page = operator.submit("/integration/messages", {"direction": "in"})
    assert page.status_code == 200
    assert f"in-{kept[0]['sequence']}" in page.text
    # The port still serves.
    assert code(send(house.mllp_port, pcd01(KEY, "after-garbage", [heart_rate("70")]))[0]) == "CA"


def test_frames_that_are_no_message_get_an_answer(house: Served) -> None:
    for body in (b"hello", b"MSH", b"MSH|^~\\&", b"MSH|^~\\&|A|B|C|D|2026||ORU^R01|Z1|P|2.6\rOBX|x", b"\xff\xfe" * 50):
        with line(house.mllp_port) as made:
            made.sendall(START + body + END)
            made.shutdown(socket.SHUT_WR)
            answer = rest(made)
        assert b"MSA|" in answer, body
        assert b"MSA|CA" not in answer or body.startswith(b"MSH|^~\\&|A"), body


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with narrow limits."""
    data = tmp_path_factory.mktemp("small") / "data"
    with served(data, WARDBRIDGE_MLLP_CONNECTIONS="40", WARDBRIDGE_MLLP_FRAME_BYTES="1000000") as server:
        yield server


def memory(pid: int | None) -> int:
    """Resident bytes of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def test_a_frame_without_end_is_refused_and_takes_no_memory(small: Served) -> None:
    gateway = small.child("gateway")
    before = memory(gateway)
    with line(small.mllp_port) as made:
        made.sendall(START + b"MSH|^~\\&|BIG|ICU|||20260101000000+0000||ORU^R01|BIG1|P|2.6|||AL|NE\rNTE|1||")
        chunk = b"x" * 1_000_000
        for _ in range(100):
            made.sendall(chunk)
        assert memory(gateway) - before < 50_000_000
        made.sendall(END)
        answer = made.recv(65536)
        assert b"MSA|CR|BIG1" in answer or b"MSA|AR|BIG1" in answer
        made.sendall(START + pcd01(KEY, "after-big", [heart_rate("70")]) + END)
        assert b"MSA|CA|after-big" in made.recv(65536)


def test_too_many_connections_are_closed_and_slow_ones_stop_nobody(small: Served) -> None:
    held: list[socket.socket] = []
    try:
        for _ in range(39):
            slow = socket.create_connection(("127.0.0.1", small.mllp_port), timeout=10)
            slow.sendall(START + b"MSH|^~")  # and never the rest
            held.append(slow)
        begun = time.monotonic()
        assert code(send(small.mllp_port, pcd01(KEY, "beside-slow", [heart_rate("70")]))[0]) == "CA"
        assert time.monotonic() - begun < 10
        small.until(lambda: _open(small, 39))
        held.extend(socket.create_connection(("127.0.0.1", small.mllp_port), timeout=10) for _ in range(61))
        refused = 0
        for one in held[40:]:
            with contextlib.suppress(ConnectionError):
                one.settimeout(10)
                assert one.recv(1) == b""
            refused += 1
        assert refused == 60
    finally:
        for one in held:
            one.close()
    # Whoever comes once they are gone is served.
    small.until(lambda: _open(small, 0))
    assert code(send(small.mllp_port, pcd01(KEY, "after-flood", [heart_rate("70")]))[0]) == "CA"


def _open(server: Served, wanted: int) -> bool:
    body = server.get("/metrics")[1].decode()
    return f'wardbridge_mllp_connections{{process="gateway"}} {wanted}.0' in body


def test_every_message_of_the_suite_is_acknowledged_over_the_socket(house: Served, suites: Path) -> None:
    """As its MSH-15 and MSH-16 ask; what asks for none gets none. The store has them all."""
    files = sorted(path for path in (suites / "pcd").rglob("*") if path.suffix in {".hl7", ".txt"})
    if not files:
        pytest.skip("no messages in the suite pcd")
    from wardbridge.exchange.codecs.hl7v2.msh import read_msh

    asked = 0
    for path in files:
        body = path.read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r").strip()
        if not body.startswith(b"MSH"):
            continue
        msh = read_msh(body)
        with line(house.mllp_port) as made:
            made.sendall(START + body + END)
            made.shutdown(socket.SHUT_WR)
            answer = rest(made)
        codes = [part.split(b"|")[1] for part in answer.split(b"\r") if part.startswith(b"MSA|")]
        accept, application = msh.accept_ack, msh.application_ack
        if accept or application:
            wanted = {"AL": 1, "SU": 1, "NE": 0, "ER": 0}
            assert len([c for c in codes if c in {b"CA", b"CE", b"CR"}]) == wanted.get(accept, 0), path.name
            assert b"CR" not in codes, path.name
        else:  # original mode: one answer, and none to an answer
            assert len(codes) == (0 if msh.type == "ACK" else 1), path.name
        if codes:
            assert msh.control_id.encode() in answer
            asked += 1
    assert asked


def test_the_receiver_of_tests_is_really_a_peer(receiver: Receiver) -> None:
    assert code(send(receiver.port, adt("A08", "self", "x"))[0]) == "AA"
    assert receiver.about("|self|")
