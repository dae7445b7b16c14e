"""Pages and MLLP over TLS with certificates of our own making; senders that show none stay out."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.app.his import END, START, heart_rate, pcd01
from tests.app.people import Browser, form_token
from tests.app.served import Served, served
from wardbridge.app.serve import warnings
from wardbridge.core.settings import Settings


@dataclass(frozen=True)
class Pair:
    cert: Path
    key: Path


class Authority:
    """A CA of this test."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._cert = self._sign(self._name, self._key.public_key(), ca=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._cert.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name: x509.Name, public: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.Certificate:
        start = datetime.now(UTC) - timedelta(hours=1)
        built = (
            x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(start)
            .not_valid_after(start + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([
                x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False)
        )  # fmt: skip
        return built.sign(self._key, hashes.SHA256())

    def pair(self, name: str) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key.public_key(), ca=False)
        made = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        made.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
        return made


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


@pytest.fixture(scope="module")
def secured(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pair = authority.pair("server")
    with served(
        tmp_path_factory.mktemp("tls") / "data", scheme="https",
        WARDBRIDGE_TLS_CERT=str(pair.cert), WARDBRIDGE_TLS_KEY=str(pair.key),
        WARDBRIDGE_MLLP_TLS_CERT=str(pair.cert), WARDBRIDGE_MLLP_TLS_KEY=str(pair.key),
        WARDBRIDGE_MLLP_TLS_CLIENT_CA=str(authority.file),
    ) as server:  # fmt: skip
        yield server


def test_pages_and_api_over_tls(secured: Served, authority: Authority) -> None:
    assert secured.lines == [f"ready https://127.0.0.1:{secured.port}"]
    context = ssl.create_default_context(cafile=str(authority.file))
    from tests.app.people import PASSWORD, add

    add(secured, "nurse-tls", "nurse")
    with Browser(base_url=secured.url, verify=context) as client:
        assert client.get("/healthz").status_code == 200
        token = form_token(client.get("/sign-in").text)
        answer = client.post("/sign-in", data={"login": "nurse-tls", "password": PASSWORD, "csrf": token})
        assert answer.status_code == 303
        session = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("wardbridge_session="))
        assert "; secure" in session.lower()
        assert client.get("/patients").status_code == 200
        assert "strict-transport-security" in client.get("/sign-in").headers
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{secured.port}/healthz", timeout=5)


def _exchange(port: int, context: ssl.SSLContext, message: bytes) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as made,
    ):
        made.sendall(START + message + END)
        return made.recv(65536)


def test_mllp_takes_only_senders_with_a_certificate(secured: Served, authority: Authority, tmp_path: Path) -> None:
    message = pcd01("02A17CFFFE100001", "tls-1", [heart_rate("70")])

    def context(pair: Pair | None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(authority.file))
        if pair is not None:
            made.load_cert_chain(pair.cert, pair.key)
        return made

    assert b"MSA|CA|tls-1" in _exchange(secured.mllp_port, context(authority.pair("monitor")), message)
    stranger = Authority(tmp_path, "stranger").pair("monitor")
    for pair in (None, stranger):
        answer = b""
        with contextlib.suppress(OSError):  # an alert, a reset or an end: whichever comes first
            answer = _exchange(secured.mllp_port, context(pair), message)
        assert answer == b""
    with socket.create_connection(("127.0.0.1", secured.mllp_port), timeout=20) as plain:
        plain.sendall(START + message + END)
        with contextlib.suppress(ConnectionError):
            assert b"MSA" not in plain.recv(65536)
    assert len(secured.fetch("SELECT 1 FROM intake")) == 1


@pytest.mark.parametrize(("more", "said"), [
    ({}, []),
    ({"host": "0.0.0.0"}, ["pages and API on 0.0.0.0 are NOT encrypted"]),
    ({"host": "0.0.0.0", "tls_cert": "c", "tls_key": "k"}, []),
    ({"mllp_host": "0.0.0.0"}, ["MLLP on 0.0.0.0 is NOT encrypted", "MLLP accepts any sender"]),
    ({"mllp_host": "0.0.0.0", "mllp_allow": ("10.0.0.1",)}, ["MLLP on 0.0.0.0 is NOT encrypted"]),
    ({"mllp_host": "10.0.0.2", "mllp_tls_cert": "c", "mllp_tls_key": "k"}, ["MLLP accepts any sender"]),
    ({"mllp_host": "10.0.0.2", "mllp_tls_cert": "c", "mllp_tls_key": "k", "mllp_tls_client_ca": "a"}, []),
])  # fmt: skip
def test_what_is_exposed_is_said(more: dict[str, object], said: list[str]) -> None:
    found = warnings(Settings(**more))  # type: ignore[arg-type]
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))
