"""What ``$validate-code`` answers, made of what was judged: the Parameters with result, message and issues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.terminology.compose import name_of, parameter
from wardbridge.terminology.errors import Refusal
from wardbridge.terminology.issues import Issue, issue, message, outcome, plain
from wardbridge.terminology.library import Library
from wardbridge.terminology.request import Request
from wardbridge.terminology.supplements import Supplements, wanted_by
from wardbridge.terminology.validate import Coding, Judged, Options, Validator, combined
from wardbridge.terminology.values import dicts
from wardbridge.terminology.versions import split

NOTHING_TO_VALIDATE = (
    "Unable to find code to validate "
    "(looked for coding | codeableConcept | code+system | code+inferSystem in parameters"
)


async def valueset_of(library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
    """The value set that a request is about: of the instance, sent along, or by url. Raises Refusal, Invalid."""
    if given is not None:
        return given
    inline = request.get("valueSet")
    if isinstance(inline, dict):
        return inline
    url = request.text("url") or request.text("valueSet")
    if not url:
        raise Invalid("url or valueSet is needed", "url")
    name, version = split(url)
    wanted, _ = request.rules().valueset(name, version or request.text("valueSetVersion"))
    found = await library.valueset(name, wanted)
    if found is None:
        told = f"{name}|{wanted}" if wanted else name
        raise Refusal(issue("Unable_to_resolve_value_Set_", told), status=404)
    return found[0]


async def validate_in_set(library: Library, request: Request, given: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The answer for ValueSet/$validate-code. Raises Refusal, Invalid."""
    valueset = await valueset_of(library, request, given)
    codings, concept = _codings(request, "")
    supplements = Supplements(library, [*wanted_by(valueset), *request.texts("useSupplement")])
    if supplements:
        await supplements.load()
    languages = request.languages(parameter(valueset, "displayLanguage"), str(valueset.get("language") or ""))
    validator = Validator(library, _options(request, languages), supplements, valueset)
    judged = [await validator.judge(coding, several=concept is not None) for coding in codings]
    name = name_of(valueset) or "(unidentified)"
    return _answer(judged, concept, name if concept is not None else "", codings)


async def validate_in_system(library: Library, request: Request, given: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The answer for CodeSystem/$validate-code. Raises Refusal, Invalid."""
    resources = library
    url = request.text("url")
    inline = given or request.object("codeSystem")
    if inline is not None:
        resources = Library(library.shelf, [inline, *request.resources])
        url = str(inline.get("url") or "")
    codings, concept = _codings(request, url)
    supplements = Supplements(resources, request.texts("useSupplement"))
    if supplements:
        await supplements.load()
    validator = Validator(resources, _options(request, request.languages()), supplements, None)
    judged = [await validator.judge(coding, several=concept is not None) for coding in codings]
    return _answer(judged, concept, "", codings)


def _options(request: Request, languages: Any) -> Options:
    return Options(
        rules=request.rules(),
        languages=languages,
        lenient=bool(request.flag("lenient-display-validation", False)),
        abstract=request.flag("abstract", True) is not False,
        active=bool(request.flag("activeOnly", False)),
        membership_only=bool(request.flag("valueset-membership-only", False)),
        infer=bool(request.flag("inferSystem", False)),
    )


def _codings(request: Request, url: str) -> tuple[list[Coding], dict[str, Any] | None]:
    """What is to be judged, and the CodeableConcept where it was one. Raises Refusal."""
    concept = request.object("codeableConcept")
    if concept is not None:
        codings = dicts(concept.get("coding"))
        return [_coding(c, f"CodeableConcept.coding[{n}]", url) for n, c in enumerate(codings)], concept
    coding = request.object("coding")
    if coding is not None:
        return [_coding(coding, "Coding", url)], None
    code = request.text("code")
    system = request.text("system") or url
    if not code or not (system or request.flag("inferSystem", False)):
        raise Refusal(plain("invalid", NOTHING_TO_VALIDATE), status=400)
    version = request.text("systemVersion") or request.text("version")
    return [Coding(system, code, version, request.text("display"), "")], None


def _coding(coding: dict[str, Any], path: str, url: str) -> Coding:
    return Coding(
        str(coding.get("system") or url),
        str(coding.get("code") or ""),
        str(coding.get("version") or ""),
        str(coding.get("display") or ""),
        path,
    )


def _answer(
    judged: Sequence[Judged], concept: dict[str, Any] | None, valueset: str, codings: Sequence[Coding]
) -> list[dict[str, Any]]:
    result, issues, best = combined(judged, valueset)
    out: list[dict[str, Any]] = [{"name": "result", "valueBoolean": result}]
    told = best or (judged[0] if judged and concept is None else None)
    if told is not None:
        out += _about(told, coded=concept is None or told.member is True)
    if concept is not None:
        out.append({"name": "codeableConcept", "valueCodeableConcept": concept})
    if issues:
        said = message(issues)
        if said:
            out.append({"name": "message", "valueString": said})
        out.append({"name": "issues", "resource": outcome(_ordered(issues))})
    unknown = dict.fromkeys((name, one.system_unknown) for one in judged for name in one.unknown)
    for name, whole in unknown:
        parameter_ = "x-unknown-system" if whole else "x-caused-by-unknown-system"
        out.append({"name": parameter_, "valueCanonical": name})
    return out


def _about(told: Judged, *, coded: bool) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = [{"name": "code", "valueCode": told.coding.code}] if coded else []
    if coded and told.coding.system:
        out.append({"name": "system", "valueUri": told.coding.system})
    if told.head is not None and told.head.version:
        out.append({"name": "version", "valueString": told.head.version})
    if told.display:
        out.append({"name": "display", "valueString": told.display})
    concept = told.concept
    if concept is not None:
        if concept.code != told.coding.code:
            out.append({"name": "normalized-code", "valueCode": concept.code})
        if concept.inactive:
            out.append({"name": "inactive", "valueBoolean": True})
            if concept.status and concept.status != "inactive":
                out.append({"name": "status", "valueCode": concept.status})
    return out


def _ordered(issues: Sequence[Issue]) -> list[Issue]:
    """Errors first."""
    rank = {"error": 0, "warning": 1, "information": 2}
    return sorted(issues, key=lambda i: rank[i.severity])
