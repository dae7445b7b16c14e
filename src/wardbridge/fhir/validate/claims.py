"""The profiles that a resource is held to: those in `meta.profile`, those asked for, that of its vital sign.

Standard: https://hl7.org/fhir/R4/resource.html#Meta (profile), profiling.html#resources
"""

from __future__ import annotations

from typing import Any

from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.vitals import vital_sign


def claims(name: str, resource: dict[str, Any], place: Place, run: Run) -> None:
    """Check a resource against each profile that it claims, each once."""
    meta = resource.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    done: set[str] = set()
    if isinstance(claimed, list):
        for i, url in enumerate(claimed):
            if not isinstance(url, str) or url in done:
                continue
            done.add(url)
            profile = run.profile(url)
            if profile is not None:
                profile.check(resource, place, run)
            else:
                where = ((place, "meta", -1), "profile", i)
                text = f"unknown profile {shown(url)}: the resource is not checked against it"
                run.add(run.options.unknown_profiles, "not-found", where, text)
    if name == "Observation" and run.options.vital_signs:
        implied = vital_sign(resource)
        if implied is not None and implied not in done:
            asked_for(implied, resource, place, run)


def asked_for(url: str, resource: dict[str, Any], place: Place, run: Run) -> None:
    """Check a resource against a profile that somebody asks for; an unknown one is an error."""
    profile = run.profile(url)
    if profile is not None:
        profile.check(resource, place, run)
    else:
        run.error("not-found", place, f"unknown profile {shown(url)}")
