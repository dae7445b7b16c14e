"""The FHIR API of a web process: the application with every operation of every room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from wardbridge.app import subscriptions
from wardbridge.app.guarded import GuardedRepository
from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool
from wardbridge.core.disk import DiskGuard
from wardbridge.core.settings import Settings
from wardbridge.fhir.bulk.kickoff import Kickoff
from wardbridge.fhir.bulk.operations import operations as bulk_operations
from wardbridge.fhir.graphql.operation import GraphQL
from wardbridge.fhir.operations.every import operations as base_operations
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.packages.shelf import RecordShelf
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.audit_events import SecurityAudit
from wardbridge.fhir.rest.hooks import Authenticate, Prepare
from wardbridge.fhir.rest.operations import Operation
from wardbridge.fhir.rest.reindexing import SearchParameters
from wardbridge.fhir.store.integrity import Integrity
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.validator import Validator
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.terminology.capability import statement as terminology_statement
from wardbridge.terminology.operations import operations as terminology_operations
from wardbridge.terminology.service import Service


@dataclass(frozen=True)
class Api:
    """What the operations are made of. ``base`` is our public URL of the API, '' when it is not set."""

    settings: Settings
    pool: Pool
    clock: Clock
    record: Record
    repository: GuardedRepository
    audit: Audit
    base: str
    disk: DiskGuard
    terms: Service
    validator: Validator


def operations(api: Api) -> tuple[Operation, ...]:
    """Every operation that this server performs."""
    return (
        *GraphQL(api.record, decide, api.audit).operations(),
        *terminology_operations(api.terms, decide),
        *base_operations(
            Services(api.record, api.repository, decide, api.audit, api.validator.check, api.settings.expunge)
        ),
        *subscriptions.operations(api.clock, api.record),
        *SearchParameters(api.record, decide).operations(),
        *bulk_operations(bulk(api.settings, api.clock, api.record, api.disk)),
    )


def bulk(settings: Settings, clock: Clock, record: Record, disk: DiskGuard) -> Kickoff:
    """Where bulk jobs begin; their files lie in the data folder."""
    sources = Path(settings.import_folder) if settings.import_folder else None
    return Kickoff(record, clock, settings.folder / "bulk", decide, disk.check, sources)


def validator_of(clock: Clock, record: Record, terms: Service) -> Validator:
    """What judges every resource that is written, here and in bulk."""
    return Validator(Profiles(open=True), terms, RecordShelf(record, clock))


def integrity_of(settings: Settings) -> Integrity:
    """One of its words: core/settings.py checks it."""
    return cast("Integrity", settings.referential_integrity)


def prepare(settings: Settings, clock: Clock, record: Record) -> Mapping[str, Prepare]:
    """What is made of resources of some types before they are stored."""
    parameters = SearchParameters(record, decide)
    return {**subscriptions.prepare(settings, clock, record), "SearchParameter": parameters.prepare}


def application(
    settings: Settings, pool: Pool, clock: Clock, record: Record, audit: Audit, disk: DiskGuard, who: Authenticate
) -> Application:
    """The API as ASGI; mount it at ``/fhir``."""
    base = f"{settings.public_url.rstrip('/')}/fhir" if settings.public_url else ""
    terms = Service(pool, record, clock)
    validator = validator_of(clock, record, terms)
    integrity = integrity_of(settings)
    guarded = GuardedRepository(record, audit, disk, integrity)
    api = Api(settings, pool, clock, record, guarded, audit, base, disk, terms, validator)
    return Application(
        api.repository, who, decide, audit, clock, validator.written, SecurityAudit(audit), operations(api), base=base,
        cascade=settings.cascade_delete, enforced=settings.referential_integrity != "off",
        prepare=prepare(settings, clock, record),
        declare=subscriptions.declare(record), statements={"terminology": partial(terminology_statement, terms)},
    )  # fmt: skip
