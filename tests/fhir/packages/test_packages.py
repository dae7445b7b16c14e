"""Packages: read from files, loaded into a real record, and used by the validator of another process."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid
from wardbridge.core.ids import counted_ids
from wardbridge.fhir.json import loads
from wardbridge.fhir.packages import store
from wardbridge.fhir.packages.archive import manifest, resources
from wardbridge.fhir.packages.load import load
from wardbridge.fhir.packages.shelf import RecordShelf
from wardbridge.fhir.packages.versions import order, satisfies
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.validator import Validator

BASE = "http://hl7.org/fhir/StructureDefinition/"
URL = "https://hospital.test/fhir/StructureDefinition/"


def profile(
    name: str, *elements: dict[str, Any], base: str = f"{BASE}Patient", version: str = "1.0.0"
) -> dict[str, Any]:
    kind = "Extension" if base == f"{BASE}Extension" else "Patient"
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": f"{URL}{name}",
        "version": version,
        "name": name.title().replace("-", ""),
        "status": "active",
        "kind": "complex-type" if kind == "Extension" else "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": [{"id": kind, "path": kind}, *elements]},
    }


def named(version: str = "1.0.0", low: int = 1) -> dict[str, Any]:
    return profile("named", {"id": "Patient.name", "path": "Patient.name", "min": low}, version=version)


def born() -> dict[str, Any]:
    element = {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}
    return profile("born", element, base=f"{URL}named")


def package(folder: Path, name: str, *rows: dict[str, Any], version: str = "1.0.0", **more: Any) -> Path:
    """A .tgz as a registry gives it."""
    head = {"name": name, "version": version, "fhirVersions": ["4.0.1"], "dependencies": {}} | more
    path = folder / f"{name}-{version}.tgz"
    files = {"package/package.json": head, "package/example/Patient-x.json": {"resourceType": "Patient"}}
    files |= {f"package/{row['resourceType']}-{row.get('id', i)}.json": row for i, row in enumerate(rows)}
    with tarfile.open(path, "w:gz") as archive:
        for file, content in files.items():
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(file)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
async def record(database: Any, clock: FakeClock) -> Record:
    found = Record(database.pool, clock, counted_ids())
    await found.load()
    return found


async def errors(validator: Validator, patient: dict[str, Any], url: str) -> list[str]:
    found = await validator.check(patient, url)
    return [issue.details for issue in found if issue.severity == "error"]


PATIENT: dict[str, Any] = {"resourceType": "Patient", "gender": "female"}


def test_a_package_is_read_without_its_examples(tmp_path: Path) -> None:
    path = package(tmp_path, "test.a", named(), dependencies={"test.b": "1.0.x"})
    assert manifest(path).dependencies == {"test.b": "1.0.x"}
    assert [row["id"] for _, row in resources(path)] == ["named"]


def test_a_folder_is_a_package_too(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name":"test.a","version":"1.0.0"}')
    (tmp_path / "x.json").write_text(json.dumps(named()))
    assert manifest(tmp_path).name == "test.a"
    assert [name for name, _ in resources(tmp_path)] == ["x.json"]


@pytest.mark.parametrize("data", [b"", b"junk", b"\x1f\x8b\x08\x00junk"])
def test_what_is_no_package_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.tgz"
    path.write_bytes(data)
    with pytest.raises(Invalid, match="package"):
        manifest(path)


def test_a_package_of_another_fhir_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"for FHIR 5\.0\.0"):
        manifest(package(tmp_path, "test.a", fhirVersions=["5.0.0"]))


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = package(tmp_path, "test.a", *(named(f"{i}.0.0") for i in range(200)))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(Invalid, match="cannot be read"):
        list(resources(path))


def test_versions_are_in_order() -> None:
    assert sorted(["6.1.0", "10.0.0", "6.1.0-ballot", "5.0.1", "6.1.0-ballot.2"], key=order) == [
        "5.0.1", "6.1.0-ballot", "6.1.0-ballot.2", "6.1.0", "10.0.0",
    ]  # fmt: skip
    assert satisfies("4.0.1", "4.0.x")
    assert satisfies("1.2.3", "latest")
    assert not satisfies("4.1.0", "4.0.x")


async def test_loading_is_idempotent_and_says_what_is_missing(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    path = package(tmp_path, "test.a", named(), born(), dependencies={"test.b": "2.0.0", "hl7.fhir.r4.core": "4.0.1"})
    first = await load(record, clock, path)
    again = await load(record, clock, path)
    assert (first.created, first.updated, first.unchanged) == (2, 0, 0)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert first.missing == ["test.b 2.0.0"]
    stored = await record.read("StructureDefinition", "named")
    assert stored is not None
    assert stored.version == 1
    rows = await store.loaded(record.pool)
    assert [(row.name, row.version, row.resources) for row in rows] == [("test.a", "1.0.0", 2)]


async def test_a_changed_definition_is_updated_where_it_is(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    await load(record, clock, package(tmp_path, "test.a", named()))
    report = await load(record, clock, package(tmp_path, "test.a", named(low=0) | {"id": "other"}))
    assert (report.created, report.updated) == (0, 1)
    stored = await record.read("StructureDefinition", "named")
    assert stored is not None
    assert stored.version == 2


async def test_two_versions_stand_beside_each_other(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    await load(record, clock, package(tmp_path, "test.a", named("1.0.0", low=2)))
    await load(record, clock, package(tmp_path, "test.a", named("2.0.0", low=0), version="2.0.0"))
    validator = Validator(Profiles(open=True), shelf=RecordShelf(record, clock))
    assert await errors(validator, PATIENT, f"{URL}named") == []
    assert await errors(validator, PATIENT, f"{URL}named|1.0.0") == ["Patient.name: 2 required, found 0"]
    assert await errors(validator, PATIENT, f"{URL}named|2.0.0") == []


async def test_the_validator_finds_profiles_and_their_bases(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    await load(record, clock, package(tmp_path, "test.a", named(), born()))
    validator = Validator(Profiles(open=True), shelf=RecordShelf(record, clock))
    found = await errors(validator, PATIENT, f"{URL}born")
    assert found == ["Patient.name: 1 required, found 0", "Patient.birthDate: 1 required, found 0"]
    assert await errors(validator, PATIENT, f"{URL}unknown") == [f"unknown profile '{URL}unknown'"]


async def test_a_claimed_profile_is_checked_on_write(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    await load(record, clock, package(tmp_path, "test.a", named()))
    validator = Validator(Profiles(open=True), shelf=RecordShelf(record, clock))
    issues = await validator.written(PATIENT | {"meta": {"profile": [f"{URL}named", f"{URL}unknown"]}})
    assert [(i.severity, i.expression) for i in issues if i.code != "invariant"] == [
        ("error", "Patient"),
        ("warning", "Patient.meta.profile[1]"),
    ]


async def test_another_process_sees_changes(record: Record, clock: FakeClock) -> None:
    validator = Validator(Profiles(open=True), shelf=RecordShelf(record, clock))
    assert await errors(validator, PATIENT, f"{URL}named") == [f"unknown profile '{URL}named'"]
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(named())])
    await clock.advance(2)
    assert await errors(validator, PATIENT, f"{URL}named") == ["Patient.name: 1 required, found 0"]
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(named(low=0))])
    await clock.advance(2)
    assert await errors(validator, PATIENT, f"{URL}named") == []
    async with transaction(record.pool) as conn:
        await record.write(conn, [Delete("StructureDefinition", "named")])
    await clock.advance(2)
    assert await errors(validator, PATIENT, f"{URL}named") == [f"unknown profile '{URL}named'"]


async def test_an_unfit_definition_is_loaded_and_named(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    broken = named() | {"status": "nonsense"}
    report = await load(record, clock, package(tmp_path, "test.a", broken, {"resourceType": "Patient"}))
    assert report.created == 1
    assert report.skipped == 1
    assert "StructureDefinition.status" in report.problems[0]
    stored = await record.read("StructureDefinition", "named")
    assert stored is not None
    assert stored.body is not None
    assert loads(stored.body)["status"] == "nonsense"
