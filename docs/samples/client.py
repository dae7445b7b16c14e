"""A first client of the Wardbridge FHIR API: write, find, change and follow, with nothing but httpx.

    wardbridge token --role service          # prints a token; needs the data folder
    WARDBRIDGE_URL=http://127.0.0.1:8080 WARDBRIDGE_TOKEN=… python docs/samples/client.py

Everything here is plain FHIR R4: the same lines work with any other server of the standard.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx

MRN = "urn:example:mrn"


class Refused(Exception):
    """The server said no; the text is that of its OperationOutcome."""


class Fhir:
    """One server. Every answer that is no success raises Refused with what the server says is wrong, and where."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=f"{url}/fhir/",
            headers={"authorization": f"Bearer {token}", "accept": "application/fhir+json"},
            timeout=30,
        )

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        answer = self.http.request(method, path, **given)
        if answer.is_error:
            issues = answer.json().get("issue", [])
            raise Refused("; ".join((one.get("details") or {}).get("text", one["code"]) for one in issues))
        return answer

    def create(self, resource: dict[str, Any], unless: str = "") -> dict[str, Any]:
        """``unless``: search criteria; where a resource fits them already, that one is given back (no duplicate)."""
        headers = {"if-none-exist": unless} if unless else {}
        return self.ask("POST", resource["resourceType"], json=resource, headers=headers).json()

    def update(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Fails (412) where somebody else has changed it since it was read: nobody's work is overwritten."""
        headers = {"if-match": f'W/"{resource["meta"]["versionId"]}"'}
        return self.ask("PUT", f"{resource['resourceType']}/{resource['id']}", json=resource, headers=headers).json()

    def search(self, type_name: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """Every match, page by page."""
        page = self.ask("GET", type_name, params=parameters).json()
        while True:
            yield from (entry["resource"] for entry in page.get("entry", ()) if entry["search"]["mode"] == "match")
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            if not following:
                return
            page = self.ask("GET", following[0]).json()


def main() -> None:
    """A patient, a pulse, a correction, and what the record says of it."""
    server = Fhir(os.environ["WARDBRIDGE_URL"], os.environ["WARDBRIDGE_TOKEN"])
    ada = server.create(
        {
            "resourceType": "Patient",
            "identifier": [{"system": MRN, "value": "sample-1"}],
            "name": [{"family": "Sample", "given": ["Ada"]}],
            "birthDate": "1961-05-04",
        },
        unless=f"identifier={MRN}|sample-1",
    )
    print("patient", ada["id"])
    pulse = server.create(
        {
            "resourceType": "Observation",
            "status": "preliminary",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
            "subject": {"reference": f"Patient/{ada['id']}"},
            "effectiveDateTime": "2026-01-01T12:00:00Z",
            "valueQuantity": {
                "value": 72,
                "unit": "/min",
                "system": "http://unitsofmeasure.org",
                "code": "/min",
            },
        }
    )
    final = server.update({**pulse, "status": "final"})
    print("pulse", final["id"], "is now version", final["meta"]["versionId"])
    for one in server.search("Observation", patient=ada["id"], code="http://loinc.org|8867-4", _sort="-date"):
        print(one["effectiveDateTime"], one["valueQuantity"]["value"], one["valueQuantity"]["unit"], one["status"])
    try:
        server.update(pulse)
    except Refused as refused:
        print("refused, as it should be:", refused)


if __name__ == "__main__":
    main()
