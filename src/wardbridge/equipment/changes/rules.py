"""The hard rules of a joint change, as pure functions: what a file lacks, who must sign, what may happen next."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.equipment.changes.values import LEVELS, PROPERTIES, Change, Hazard, Matrix, RiskFile
from wardbridge.equipment.signing.sign import digest
from wardbridge.equipment.signing.values import Signature

MEANING = "approved"

MOVES: dict[str, tuple[frozenset[str], str]] = {
    "assess": (frozenset({"draft"}), "assessed"),
    "complete": (frozenset({"assessed"}), "signed"),
    "schedule": (frozenset({"signed"}), "scheduled"),
    "start": (frozenset({"scheduled"}), "running"),
    "verify": (frozenset({"running"}), "verified"),
    "close": (frozenset({"verified"}), "closed"),
    "roll-back": (frozenset({"running", "verified"}), "rolled-back"),
    "reject": (frozenset({"draft", "assessed", "signed"}), "rejected"),
    "cancel": (frozenset({"draft", "assessed", "signed", "scheduled"}), "cancelled"),
    "edit": (frozenset({"draft", "assessed", "signed", "scheduled"}), "draft"),
}
"""Move → the states that it starts from, the state that it leads to."""
ENDED = frozenset({"closed", "rolled-back", "rejected", "cancelled"})
NEEDS_SIGNATURES = frozenset({"complete", "schedule", "start", "verify", "close"})


class Problem(msgspec.Struct, frozen=True):
    """What a file lacks, and where."""

    where: str
    text: str


def lacks(file: RiskFile, kind: str) -> list[Problem]:
    """What must be added before the file can be judged and signed."""
    found: list[Problem] = []

    def need(good: object, where: str, text: str) -> None:
        if not good:
            found.append(Problem(where, text))

    need(file.title.strip(), "title", "a change has a title")
    need(file.purpose.strip(), "purpose", "say what the change is for")
    need(file.devices or file.models or file.zones, "touched", "name the machines, models or zones that are touched")
    need(file.matrix, "matrix", "the file names the acceptability matrix that it is judged by")
    for name in PROPERTIES:
        known = any(hazard.property == name for hazard in file.hazards) or file.considered.get(name, "").strip()
        need(known, f"hazards.{name}", f"name a hazard to {name}, or say why there is none")
    for at, hazard in enumerate(file.hazards, 1):
        found += _hazard(hazard, file.matrix, f"hazards.{at}")
    need(file.rollback.strip(), "rollback", "say how to go back")
    need(file.tests.strip(), "tests", "say how it is tested afterwards")
    need(file.communication.strip(), "communication", "say who tells the wards what and when")
    timed = file.start is not None and file.stop is not None and file.start < file.stop
    need(timed, "window", "a change has a start and a later end")
    need(kind != "patch" or file.patch, "patch", "name model, component and version of the patch")
    if file.patch is not None:
        need(file.patch.model_id, "patch.model", "name the model that is patched")
        need(file.patch.version.strip(), "patch.version", "name the version that the machines shall have")
    return found


def _hazard(hazard: Hazard, matrix: Matrix | None, where: str) -> list[Problem]:
    found = []
    if hazard.property not in PROPERTIES:
        found.append(Problem(f"{where}.property", f"a hazard is to: {', '.join(PROPERTIES)}"))
    found += [
        Problem(f"{where}.{name}", f"a hazard has a {name}")
        for name in ("cause", "situation", "harm")
        if not getattr(hazard, name).strip()
    ]
    if matrix is not None and not _inside(hazard, matrix):
        found.append(Problem(f"{where}.severity", "severity or probability is outside of the matrix"))
    lowered = (hazard.severity_after, hazard.probability_after) != (hazard.severity, hazard.probability)
    if lowered and not hazard.measures:
        found.append(Problem(f"{where}.measures", "a risk is lowered by measures: name them"))
    if any(not one.text.strip() or not one.owner.strip() or one.due is None for one in hazard.measures):
        found.append(Problem(f"{where}.measures", "a measure has a text, an owner and a due date"))
    return found


def _inside(hazard: Hazard, matrix: Matrix) -> bool:
    return all(1 <= one <= len(matrix.severities) for one in (hazard.severity, hazard.severity_after)) and all(
        1 <= one <= len(matrix.probabilities) for one in (hazard.probability, hazard.probability_after)
    )


def residual(file: RiskFile) -> str:
    """The worst level that remains after the measures; a file without a matrix or with a hazard outside of it is
    unacceptable."""
    matrix = file.matrix
    if matrix is None or not all(_inside(hazard, matrix) for hazard in file.hazards):
        return LEVELS[-1]
    found = [matrix.level(hazard.severity_after, hazard.probability_after) for hazard in file.hazards]
    return max(found, key=LEVELS.index, default=LEVELS[0])


def sides(file: RiskFile) -> tuple[str, ...]:
    """Who must sign: biomed and IT, and a physician where an unacceptable risk remains."""
    return ("biomed", "it", "clinical") if residual(file) == LEVELS[-1] else ("biomed", "it")


def standing(change: Change, signatures: Sequence[Signature]) -> tuple[list[Signature], list[Signature]]:
    """The signatures on exactly this content, and those that an edit has voided."""
    mark = digest(change.content)
    good = [one for one in signatures if one.digest == mark and one.meaning == MEANING]
    return good, [one for one in signatures if one not in good]


def signed(change: Change, signatures: Sequence[Signature]) -> list[str]:
    """The sides whose signature on exactly this content is missing; empty when all stand.

    Each side is another person, and they are not all the author.
    """
    good, _ = standing(change, signatures)
    people: dict[str, str] = {}
    for one in good:
        if one.person_id not in people.values():
            people.setdefault(one.side, one.person_id)
    return [side for side in sides(change.file) if side not in people]


def may(change: Change, move: str, signatures: Sequence[Signature]) -> str:
    """Why ``move`` is not possible now, '' when it is."""
    before, _ = MOVES[move]
    if change.state not in before:
        return f"a change that is {change.state} cannot be: {move}"
    if move in NEEDS_SIGNATURES:
        missing = signed(change, signatures)
        if missing:
            return f"the signature of {', '.join(missing)} on exactly this file is missing"
    if move == "assess":
        problems = lacks(change.file, change.kind)
        if problems:
            return "the file is not complete: " + "; ".join(one.text for one in problems[:5])
    return ""
