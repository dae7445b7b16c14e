"""Many clients at the same keys: conditional creates, If-Match updates, patches, deletions and transactions at once.

python -m bench.races --base-url http://127.0.0.1:8080/fhir --token TOKEN [--clients 64] [--seconds 300]
python -m bench.races --served [--seconds 300]      a server of its own, with fsync on

Any FHIR R4 server may be raced. Afterwards it must hold what was answered: no key twice, no update lost, no version
missing from a history; and no answer may be a 5xx. Prints one JSON line and ends with 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

SYSTEM = "urn:wardbridge:races"
KEYS = 12
"""Keys of each kind that all clients share."""


@dataclass
class Races:
    """One run: ``answers`` by kind and status, what was acknowledged, and what is wrong."""

    client: httpx.AsyncClient
    run: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    created: dict[str, set[str]] = field(default_factory=dict)
    """Ids that answers of conditional creates and updates named, by key."""
    steps: Counter[str] = field(default_factory=Counter)
    """Acknowledged increments by id of a counter."""
    writes: Counter[str] = field(default_factory=Counter)
    """Acknowledged versions by id of what transactions write."""
    wrong: list[str] = field(default_factory=list)

    async def ask(self, kind: str, method: str, url: str, **given: Any) -> httpx.Response | None:
        """None where the connection failed."""
        try:
            answer = await self.client.request(method, url, **given)
        except httpx.HTTPError as error:
            self.wrong.append(f"{kind}: {type(error).__name__}")
            return None
        self.answers[kind, answer.status_code] += 1
        if answer.status_code >= 500:
            self.wrong.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
        return answer

    def patient(self, key: str, **more: Any) -> dict[str, Any]:
        return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": f"{self.run}-{key}"}], **more}

    # --- what clients do ---------------------------------------------------------------------------------------------

    async def conditional_create(self, at: random.Random) -> None:
        key = f"create{at.randrange(KEYS)}"
        # The system may be left out: both criteria are about the same resource.
        text = f"identifier={at.choice((SYSTEM + '|', ''))}{self.run}-{key}"
        answer = await self.ask(
            "conditional create", "POST", "/Patient", json=self.patient(key), headers={"if-none-exist": text}
        )
        self._named(key, answer)

    async def conditional_update(self, at: random.Random) -> None:
        key = f"create{at.randrange(KEYS)}"
        url = f"/Patient?identifier={SYSTEM}|{self.run}-{key}"
        self._named(
            key, await self.ask("conditional update", "PUT", url, json=self.patient(key, active=at.random() < 0.5))
        )

    def _named(self, key: str, answer: httpx.Response | None) -> None:
        if answer is not None and answer.status_code in (200, 201):
            self.created.setdefault(key, set()).add(answer.headers["location"].split("/_history")[0].split("/")[-1])

    async def update(self, at: random.Random) -> None:
        """Read, add one, write with If-Match."""
        id_ = f"{self.run}-count{at.randrange(KEYS)}"
        read = await self.ask("read", "GET", f"/Patient/{id_}")
        if read is None or read.status_code != 200:
            return
        resource = read.json()
        resource["multipleBirthInteger"] += 1
        answer = await self.ask(
            "update", "PUT", f"/Patient/{id_}", json=resource, headers={"if-match": read.headers["etag"]}
        )
        self.steps[id_] += answer is not None and answer.status_code == 200

    async def patch(self, at: random.Random) -> None:
        """Read, and add one where it is still what was read."""
        id_ = f"{self.run}-count{at.randrange(KEYS)}"
        read = await self.ask("read", "GET", f"/Patient/{id_}")
        if read is None or read.status_code != 200:
            return
        count, path = read.json()["multipleBirthInteger"], "/multipleBirthInteger"
        change = [{"op": "test", "path": path, "value": count}, {"op": "replace", "path": path, "value": count + 1}]
        answer = await self.ask(
            "patch",
            "PATCH",
            f"/Patient/{id_}",
            content=json.dumps(change),
            headers={"content-type": "application/json-patch+json"},
        )
        self.steps[id_] += answer is not None and answer.status_code == 200

    async def transaction(self, at: random.Random) -> None:
        """Several shared resources and conditional keys, in random order."""
        ids = at.sample([f"{self.run}-some{n}" for n in range(KEYS)], 5)
        entries: list[dict[str, Any]] = [
            {
                "resource": self.patient(id_, id=id_, multipleBirthInteger=at.randrange(1000)),
                "request": {"method": "PUT", "url": f"Patient/{id_}"},
            }
            for id_ in ids
        ]
        for n in at.sample(range(KEYS), 3):
            text = f"identifier={SYSTEM}|{self.run}-create{n}"
            request = {"method": "POST", "url": "Patient", "ifNoneExist": text}
            entries.append({"resource": self.patient(f"create{n}"), "request": request})
        at.shuffle(entries)
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = await self.ask("transaction", "POST", "/", json=body)
        if answer is not None and answer.status_code == 200:
            self.writes.update(ids)

    async def remove(self, at: random.Random) -> None:
        """A resource that comes and goes."""
        id_ = f"{self.run}-gone{at.randrange(KEYS)}"
        if at.random() < 0.5:
            await self.ask("delete", "DELETE", f"/Patient/{id_}")
        else:
            create = {"if-none-match": "*"} if at.random() < 0.5 else {}
            await self.ask("update as create", "PUT", f"/Patient/{id_}", json=self.patient(id_, id=id_), headers=create)

    # --- the run -----------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """The counters at 0."""
        for n in range(KEYS):
            id_ = f"{self.run}-count{n}"
            await self.ask("begin", "PUT", f"/Patient/{id_}", json=self.patient(id_, id=id_, multipleBirthInteger=0))

    async def play(self, seed: int, goes_on: Callable[[], bool]) -> None:
        """One client."""
        at = random.Random(seed)
        does = (
            self.conditional_create,
            self.conditional_update,
            self.update,
            self.patch,
            self.transaction,
            self.remove,
        )
        while goes_on():
            await at.choice(does)(at)

    async def check(self) -> None:
        """Compare what the server holds with what it answered."""
        for key, ids in sorted(self.created.items()):
            found = (await self.client.get(f"/Patient?identifier={SYSTEM}|{self.run}-{key}&_count=100")).json()
            there = {row["resource"]["id"] for row in found.get("entry", ())}
            if len(there) != 1 or ids != there:
                self.wrong.append(f"{key}: answers named {sorted(ids)}, the server has {sorted(there)}")
            for id_ in there:
                await self._history(id_)
        for n in range(KEYS):
            id_ = f"{self.run}-count{n}"
            count = (await self.client.get(f"/Patient/{id_}")).json()["multipleBirthInteger"]
            if count != self.steps[id_]:
                self.wrong.append(f"{id_}: {self.steps[id_]} increments were answered, the counter is {count}")
            await self._history(id_, 1 + self.steps[id_])
        for n in range(KEYS):
            await self._history(f"{self.run}-some{n}", self.writes[f"{self.run}-some{n}"])
            await self._history(f"{self.run}-gone{n}")

    async def _history(self, id_: str, versions: int | None = None) -> None:
        """Every version once, newest first; as many as were answered."""
        url, found = f"/Patient/{id_}/_history?_count=1000", list[int]()
        while url:
            answer = await self.client.get(url)
            if answer.status_code == 404:
                break
            page = answer.json()
            found += [int(row["response"]["etag"].split('"')[1]) for row in page.get("entry", ())]
            url = next((link["url"] for link in page.get("link", ()) if link["relation"] == "next"), "")
        if found != list(range(len(found), 0, -1)):
            self.wrong.append(f"{id_}: the history has gaps")
        if versions is not None and len(found) != versions:
            self.wrong.append(f"{id_}: {versions} writes were answered, the history has {len(found)} versions")


async def race(client: httpx.AsyncClient, clients: int, goes_on: Callable[[], bool], seed: int = 0) -> Races:
    """Run so many clients until ``goes_on`` says no, then check."""
    races = Races(client, uuid.UUID(int=random.Random().getrandbits(128)).hex[:8])
    await races.begin()
    await asyncio.gather(*(races.play(seed + n, goes_on) for n in range(clients)))
    await races.check()
    return races


def report(races: Races, clients: int, seconds: float) -> dict[str, Any]:
    by_kind: dict[str, dict[str, int]] = {}
    for (kind, status), count in sorted(races.answers.items()):
        by_kind.setdefault(kind, {})[str(status)] = count
    return {
        "bench": "races",
        "clients": clients,
        "seconds": round(seconds, 1),
        "requests": races.answers.total(),
        "increments": races.steps.total(),
        "versions_by_transactions": races.writes.total(),
        "answers": by_kind,
        "wrong": len(races.wrong),
        "examples": races.wrong[:10],
    }


async def run(base: str, token: str, clients: int, seconds: float) -> dict[str, Any]:
    """Race a server over HTTP."""
    headers = {"accept": "application/fhir+json", "content-type": "application/fhir+json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=base, headers=headers, limits=limits, timeout=120) as client:
        began = time.monotonic()
        races = await race(client, clients, lambda: time.monotonic() - began < seconds)
        return report(races, clients, time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", default="http://127.0.0.1:8080/fhir")
    parser.add_argument("--token", default="")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--served", action="store_true", help="start a server for this run")
    parser.add_argument("--workers", type=int, default=1, help="web workers of that server")
    args = parser.parse_args()
    if args.served:
        from tests.app.served import served

        with (
            tempfile.TemporaryDirectory(prefix="wbb-") as name,
            served(Path(name) / "data", WARDBRIDGE_WEB_WORKERS=str(args.workers)) as server,
        ):
            found = asyncio.run(run(f"{server.url}/fhir", server.token(), args.clients, args.seconds))
    else:
        found = asyncio.run(run(args.base_url, args.token, args.clients, args.seconds))
    print(json.dumps(found))
    sys.exit(1 if found["wrong"] else 0)


if __name__ == "__main__":
    main()
