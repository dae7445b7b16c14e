"""A state machine: the API over PostgreSQL against a dictionary, through any order of interactions.

The model is what R4 http.html says of one resource type with ids, identifiers and a gender: versions are counted,
deletions are versions, conditions are about what is current.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.fhir.rest.conftest import application, client_of

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.fhir.store.record import Record

IDS = st.sampled_from(["a", "b", "c"])
KEYS = st.sampled_from(["1", "2"])
GENDERS = st.sampled_from(["male", "female", "other"])
VERSIONS = st.one_of(st.none(), st.integers(1, 4))
JSON_PATCH = {"content-type": "application/json-patch+json"}


def patient(key: str, gender: str, id_: str = "") -> dict[str, Any]:
    out = {"resourceType": "Patient", "identifier": [{"system": "urn:k", "value": key}], "gender": gender}
    return {**out, "id": id_} if id_ else out


class Model:
    """Every version of every resource: (key, gender), None for a deletion."""

    def __init__(self) -> None:
        self.versions: dict[str, list[tuple[str, str] | None]] = {}

    def current(self, id_: str) -> tuple[str, str] | None:
        past = self.versions.get(id_)
        return past[-1] if past else None

    def matching(self, key: str) -> list[str]:
        return [id_ for id_ in self.versions if (now := self.current(id_)) is not None and now[0] == key]

    def refuses(self, id_: str, if_match: int | None) -> bool:
        """Whether If-Match does not name the current version."""
        return if_match is not None and (self.current(id_) is None or if_match != len(self.versions[id_]))

    def put(self, id_: str, key: str, gender: str) -> int:
        """The status of an update that is not refused."""
        created = self.current(id_) is None
        self.versions.setdefault(id_, []).append((key, gender))
        return 201 if created else 200


async def test_the_api_equals_its_model(database: Any) -> None:
    await asyncio.to_thread(_play, database.dsn)


def _play(dsn: str) -> None:
    loop = asyncio.new_event_loop()
    pool = loop.run_until_complete(open_pool(dsn, size=8))
    record = Record(pool, SystemClock(), bases=("http://test/fhir",))
    loop.run_until_complete(record.load())
    app = application(pool, record)
    client = client_of(app)
    tables = loop.run_until_complete(
        pool.fetch(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE 'fhir!_%' ESCAPE '!'"
            " AND tablename NOT IN ('fhir_type', 'fhir_parameter', 'fhir_rules')"
        )
    )
    empty = "TRUNCATE " + ", ".join(row[0] for row in tables)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            loop.run_until_complete(pool.execute(empty))

        def ask(self, method: str, url: str, **given: Any) -> httpx.Response:
            if isinstance(given.get("if_match"), int):
                given.setdefault("headers", {})["if-match"] = f'W/"{given["if_match"]}"'
            given.pop("if_match", None)
            return loop.run_until_complete(client.request(method, url, **given))

        @rule(key=KEYS, gender=GENDERS)
        def create(self, key: str, gender: str) -> None:
            answer = self.ask("POST", "/Patient", json=patient(key, gender))
            assert answer.status_code == 201
            self.model.put(answer.json()["id"], key, gender)

        @rule(key=KEYS, gender=GENDERS)
        def create_unless(self, key: str, gender: str) -> None:
            there = self.model.matching(key)
            headers = {"if-none-exist": f"identifier=urn:k|{key}"}
            answer = self.ask("POST", "/Patient", json=patient(key, gender), headers=headers)
            assert answer.status_code == (201 if not there else 200 if len(there) == 1 else 412)
            if not there:
                self.model.put(answer.json()["id"], key, gender)
            elif len(there) == 1:
                assert answer.json()["id"] == there[0]

        @rule(id_=IDS, key=KEYS, gender=GENDERS, if_match=VERSIONS, fresh=st.booleans())
        def update(self, id_: str, key: str, gender: str, if_match: int | None, fresh: bool) -> None:
            headers = {"if-none-match": "*"} if fresh else {}
            answer = self.ask(
                "PUT", f"/Patient/{id_}", json=patient(key, gender, id_), if_match=if_match, headers=headers
            )
            if self.model.refuses(id_, if_match) or (fresh and self.model.current(id_) is not None):
                assert answer.status_code == 412
            else:
                assert answer.status_code == self.model.put(id_, key, gender)
                assert answer.headers["etag"] == f'W/"{len(self.model.versions[id_])}"'

        @rule(key=KEYS, gender=GENDERS)
        def update_where(self, key: str, gender: str) -> None:
            there = self.model.matching(key)
            answer = self.ask("PUT", f"/Patient?identifier=urn:k|{key}", json=patient(key, gender))
            if len(there) > 1:
                assert answer.status_code == 412
            else:
                id_ = answer.json()["id"]
                assert not there or id_ == there[0]
                assert answer.status_code == self.model.put(id_, key, gender)

        @rule(id_=IDS, gender=GENDERS, was=GENDERS, if_match=VERSIONS)
        def patch(self, id_: str, gender: str, was: str, if_match: int | None) -> None:
            change = [
                {"op": "test", "path": "/gender", "value": was},
                {"op": "replace", "path": "/gender", "value": gender},
            ]
            answer = self.ask("PATCH", f"/Patient/{id_}", json=change, if_match=if_match, headers=dict(JSON_PATCH))
            now = self.model.current(id_)
            if now is None:
                assert answer.status_code == (410 if id_ in self.model.versions else 404)
            elif self.model.refuses(id_, if_match):
                assert answer.status_code == 412
            elif now[1] != was:
                assert answer.status_code == 422
            else:
                assert answer.status_code == self.model.put(id_, now[0], gender)

        @rule(id_=IDS, if_match=VERSIONS)
        def delete(self, id_: str, if_match: int | None) -> None:
            answer = self.ask("DELETE", f"/Patient/{id_}", if_match=if_match)
            if self.model.refuses(id_, if_match):
                assert answer.status_code == (412 if id_ in self.model.versions else 404)
            else:
                assert answer.status_code == 204
                if self.model.current(id_) is not None:
                    self.model.versions[id_].append(None)

        @rule(key=KEYS)
        def delete_where(self, key: str) -> None:
            there = self.model.matching(key)
            answer = self.ask("DELETE", f"/Patient?identifier=urn:k|{key}")
            assert answer.status_code == (412 if len(there) > 1 else 204)
            if len(there) == 1:
                self.model.versions[there[0]].append(None)

        @rule(
            writes=st.lists(st.tuples(IDS, KEYS, GENDERS, VERSIONS), min_size=1, max_size=4),
            kind=st.sampled_from(["batch", "transaction"]),
        )
        def bundle(self, writes: list[tuple[str, str, str, int | None]], kind: str) -> None:
            writes = list({write[0]: write for write in writes}.values())
            entries = [
                {
                    "resource": patient(key, gender, id_),
                    "request": {
                        "method": "PUT",
                        "url": f"Patient/{id_}",
                        **({"ifMatch": f'W/"{if_match}"'} if if_match else {}),
                    },
                }
                for id_, key, gender, if_match in writes
            ]
            answer = self.ask("POST", "/", json={"resourceType": "Bundle", "type": kind, "entry": entries})
            refused = [self.model.refuses(id_, if_match) for id_, _, _, if_match in writes]
            if kind == "transaction" and any(refused):
                assert answer.status_code == 412
                return
            wanted = [
                412 if no else self.model.put(id_, key, gender)
                for no, (id_, key, gender, _) in zip(refused, writes, strict=True)
            ]
            assert [int(row["response"]["status"][:3]) for row in answer.json()["entry"]] == wanted

        @rule(id_=IDS)
        def look_back(self, id_: str) -> None:
            past = self.model.versions.get(id_, [])
            history = self.ask("GET", f"/Patient/{id_}/_history?_count=100")
            assert history.status_code == (200 if past else 404)
            rows = history.json().get("entry", []) if past else []
            assert [row["response"]["etag"] for row in rows] == [f'W/"{n}"' for n in range(len(past), 0, -1)]
            for n, version in enumerate(past, 1):
                one = self.ask("GET", f"/Patient/{id_}/_history/{n}")
                assert one.status_code == (410 if version is None else 200)
                if version is not None:
                    assert (one.json()["identifier"][0]["value"], one.json()["gender"]) == version

        @invariant()
        def what_is_current_is_found(self) -> None:
            for key in ("1", "2"):
                page = self.ask("GET", f"/Patient?identifier=urn:k|{key}&_count=100").json()
                assert {row["resource"]["id"] for row in page.get("entry", ())} == set(self.model.matching(key))
            for id_ in "abc":
                now = self.model.current(id_)
                read = self.ask("GET", f"/Patient/{id_}")
                assert read.status_code == (200 if now else 410 if id_ in self.model.versions else 404)
                assert now is None or read.json()["gender"] == now[1]

    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.run_until_complete(client.aclose())
        loop.run_until_complete(pool.close())
        loop.close()
