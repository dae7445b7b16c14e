"""``/fhir`` in a browser: any resource, search and history as a page, made of what the API answers to this person.

The API decides and keeps the record of access, as for every other client. Search values are posted: they may name a
patient, and a URL is kept by browsers and shared.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import loads
from wardbridge.fhir.path.xhtml import html_problem
from wardbridge.fhir.search.parse import supported
from wardbridge.web.call import Call
from wardbridge.web.record import bundle, tree
from wardbridge.web.words import _

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_("Patient care"), (
        "Patient", "Encounter", "Observation", "Condition", "Procedure", "AllergyIntolerance", "DiagnosticReport",
        "Immunization", "CarePlan", "CareTeam", "Goal", "Flag", "DocumentReference", "Composition", "ImagingStudy",
    )),
    (_("Orders and medication"), (
        "ServiceRequest", "Task", "MedicationRequest", "MedicationAdministration", "MedicationStatement",
        "MedicationDispense", "Medication", "DeviceRequest", "Appointment", "Schedule", "Slot",
    )),
    (_("Devices and places"), (
        "Device", "DeviceMetric", "DeviceDefinition", "DeviceUseStatement", "Location", "Endpoint",
    )),
    (_("People and organisations"), (
        "Practitioner", "PractitionerRole", "Organization", "RelatedPerson", "Group", "Person",
    )),
    (_("Definitions"), (
        "StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter", "OperationDefinition",
        "Questionnaire", "Library", "Measure", "PlanDefinition",
    )),
    (_("System"), ("AuditEvent", "Provenance", "Subscription", "Bundle", "Binary")),
)  # fmt: skip
ABOUT = ("subject", "patient", "beneficiary", "for")
"""Elements by which a resource says whom it is about."""
FORM = frozenset({"csrf", "parameter", "value", "done"})


async def record(call: Call) -> Response:
    """``/fhir`` and everything below it."""
    path = str(call.request.path_params.get("path", "")).strip("/")
    if not path:
        return _home(call)
    if call.request.method == "POST":
        if not path.endswith("_search"):
            raise NotFound(_("There is no such page."))
        path = path.removesuffix("_search").rstrip("/")
        asked = [(name, text) for name, text in call.form.multi_items() if name not in FORM and isinstance(text, str)]
        if call.field("parameter"):
            asked.append((call.field("parameter"), call.field("value", required=True)))
    else:
        query = call.request.scope["query_string"].decode("latin-1")
        asked = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in FORM]
    if call.room.api is None:
        raise NotFound(_("There is no such page."))
    status, body = await call.room.api(call.request.scope, path, asked)
    answer = loads(body) if body else {}
    return _page(call, path, asked, status, answer, await _patient(call, answer))


async def _patient(call: Call, resource: dict[str, Any]) -> dict[str, Any] | None:
    """The patient whom a resource is about, as the API gives them to this person; None where it is about none."""
    about: dict[str, Any] = next((resource[key] for key in ABOUT if isinstance(resource.get(key), dict)), {})
    target = about.get("reference")
    if call.room.api is None or not isinstance(target, str) or not tree.link(target).startswith("/fhir/Patient/"):
        return None
    status, body = await call.room.api(call.request.scope, target, [])
    if status != 200:
        return None
    found = loads(body)
    call.about(str(found["id"]))
    return {"href": tree.link(target), "name": tree.title(found) or target, "born": found.get("birthDate", "")}


def _page(
    call: Call,
    path: str,
    asked: list[tuple[str, str]],
    status: int,
    answer: dict[str, Any],
    patient: dict[str, Any] | None,
) -> Response:
    kind = answer.get("resourceType")
    type_name = path.split("/")[0]
    if kind == "Bundle" and answer.get("type") in ("searchset", "history"):
        history = path.endswith("_history")
        codes = sorted(supported(type_name)) if type_name in resource_types() else []
        return call.page(
            "record_list.html", listing=bundle.listing(answer), type=type_name, at=path, asked=asked, codes=codes,
            history=history, raw=_raw(path, asked if call.request.method == "GET" else []),
        )  # fmt: skip
    if kind == "OperationOutcome" and status >= 400:
        issues = [(issue.get("severity", ""), bundle.issue_text(issue)) for issue in answer.get("issue", [])]
        return call.page("record_problem.html", status, issues=issues, at=path, answered=status)
    if not answer:
        raise Invalid(_("There is nothing to show here."))
    meta = answer.get("meta") or {}
    text = (answer.get("text") or {}).get("div", "")
    profiles = [str(one) for one in meta.get("profile", [])]
    return call.page(
        "record.html", at=path, type=kind, id=answer.get("id", ""), title=tree.title(answer), meta=meta,
        rows=tree.rows(answer), tags=tree.rows({"tag": meta.get("tag", []), "security": meta.get("security", [])}),
        profiles=profiles, narrative=text if isinstance(text, str) and text and html_problem(text) is None else "",
        patient=patient, current="_history" not in path and "$" not in path and "/" in path, raw=_raw(path, asked),
    )  # fmt: skip


def _home(call: Call) -> Response:
    named = {name for _title, names in GROUPS for name in names}
    groups = [*GROUPS, (_("All others"), tuple(sorted(resource_types() - named)))]
    return call.page("record_home.html", groups=groups)


def _raw(path: str, asked: list[tuple[str, str]]) -> str:
    return f"/fhir/{quote(path)}?{urlencode([*asked, ('_format', 'json')])}"
