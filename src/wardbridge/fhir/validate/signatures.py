"""Signatures of Bundles as JWS (https://hl7.org/fhir/R4/signatures.html#JSON, json.html#canonical).

What is verified is that the content is the one that was signed, and by the key of the certificate that comes along.
Whether that certificate is to be trusted is not judged here.  XML signatures are not read.
"""

from __future__ import annotations

import base64
import binascii
import warnings
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from wardbridge.fhir.json import dumps
from wardbridge.fhir.validate.issues import Place
from wardbridge.fhir.validate.run import Run

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


# Headers such as srCms (why it was signed) are for people and no matter of the verification.
class _Registry(jws.JWSRegistry):
    # A header with its certificates and a payload of a whole Bundle are larger than a web token's.
    max_header_length = 65_536
    max_payload_length = 64 * 1024 * 1024


_REGISTRY = _Registry(algorithms=_ALGORITHMS, strict_check_header=False)
_CANONICAL = "http://hl7.org/fhir/canonicalization/json"
# What each canonical form leaves out of the resource itself, beside the signature.
_LEFT_OUT = {
    "": frozenset({"signature"}),
    "data": frozenset({"signature", "text"}),
    "static": frozenset({"signature", "text", "meta"}),
    "document": frozenset({"signature", "id", "meta"}),
}


class _Unread(Exception):
    """Why a signature cannot be verified here."""


def signature(bundle: dict[str, Any], place: Place, run: Run) -> None:
    """Verify the signature of a Bundle, where there is one that can be read."""
    held = bundle.get("signature")
    if not run.options.signatures or not isinstance(held, dict) or not isinstance(held.get("data"), str):
        return
    if held.get("sigFormat") not in ("application/jose", None):
        return
    here = (place, "signature", -1)
    try:
        head, payload, tail, certificate = _parts(held["data"])
        content = canonical(bundle, _form(held, head))
    except _Unread as error:
        run.add("warning", "not-supported", here, f"the signature cannot be verified: {error}")
        return
    if payload and _decoded(payload) != content:
        run.error("security", here, "the content is not what was signed")
    token = b".".join((head, payload or _encoded(content), tail))
    try:
        jws.deserialize_compact(token, _key(certificate), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        run.error("security", here, "the signature does not fit the content and its certificate")


def canonical(resource: dict[str, Any], form: str = "") -> bytes:
    """The resource in its canonical form, properties in alphabetical order; KeyError for an unknown form."""
    return dumps(_sorted({k: v for k, v in resource.items() if k not in _LEFT_OUT[form]}))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


def _form(held: dict[str, Any], head: bytes) -> str:
    """The name of the canonical form: behind # in the target format, or in the header `canon`."""
    said = str(held.get("targetFormat", "")).partition("canonicalization=")[2]
    said = said or str(msgspec.json.decode(_decoded(head)).get("canon", _CANONICAL))
    url, _, form = said.partition("#")
    if url != _CANONICAL or form not in _LEFT_OUT:
        raise _Unread(f"unknown canonical form {said[:80]}")
    return form


def _parts(data: str) -> tuple[bytes, bytes, bytes, x509.Certificate]:
    try:
        head, payload, tail = base64.b64decode(data).split(b".")
        chain = msgspec.json.decode(_decoded(head))["x5c"]
        with warnings.catch_warnings():
            # Certificates of tests have serial number 0; that is no matter of the signature.
            warnings.simplefilter("ignore")
            return head, payload, tail, x509.load_der_x509_certificate(base64.b64decode(chain[0]))
    except (ValueError, TypeError, KeyError, IndexError, msgspec.MsgspecError, binascii.Error):
        raise _Unread("it is no JWS with a certificate") from None


def _key(certificate: x509.Certificate) -> RSAKey | ECKey:
    key = certificate.public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return RSAKey.import_key(pem) if isinstance(key, RSAPublicKey) else ECKey.import_key(pem)


def _decoded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
