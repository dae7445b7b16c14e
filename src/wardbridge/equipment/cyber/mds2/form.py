"""The form as data: sections, labels of our own, the meaning of answers, and what they mean for a zone."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources

import msgspec

ANSWERS = ("Yes", "No", "N/A", "See Notes")
_SPELLINGS = {
    "yes": "Yes", "y": "Yes", "true": "Yes", "no": "No", "n": "No", "false": "No", "n/a": "N/A", "na": "N/A",
    "not applicable": "N/A", "see note": "See Notes", "see notes": "See Notes", "see": "See Notes",
}  # fmt: skip
_ID = re.compile(r"([A-Z]{3,4})[\s-]?(\d+(?:\.\d+){0,2})")


class Rule(msgspec.Struct, frozen=True):
    """Answers that do not fit a zone of this target level or above."""

    question: str
    answers: tuple[str, ...]
    level: int
    requirement: str
    says: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """``sections``: code -> (number of questions, what it is about)."""

    sections: dict[str, tuple[int, str]]
    labels: dict[str, str]
    rules: tuple[Rule, ...] = msgspec.field(name="rule")


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """Why a model does not fit a zone; answer '' where the maker does not say."""

    rule: Rule
    answer: str
    note: str = ""


@lru_cache(maxsize=1)
def form() -> Form:
    """The form."""
    text = resources.files(__package__).joinpath("form.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Form)


def question(text: str) -> str:
    """The id of a question as written (``mpii 2.2``, ``MPII-2.2``); '' for what is none."""
    found = _ID.fullmatch(text.strip().upper())
    return f"{found[1]}-{found[2]}" if found and found[1] in form().sections else ""


def answer(text: str) -> str:
    """An answer in its one spelling; '' for what is none."""
    return _SPELLINGS.get(" ".join(text.strip().lower().split()), "")


def misfits(answers: Mapping[str, tuple[str, str]] | None, level: int, rules: Sequence[Rule] = ()) -> list[Misfit]:
    """What speaks against a model in a zone of this target level; without a disclosure statement, everything."""
    out = []
    for rule in rules or form().rules:
        if level < rule.level:
            continue
        said, note = (answers or {}).get(rule.question, ("", ""))
        if not said or said in rule.answers:
            out.append(Misfit(rule=rule, answer=said, note=note))
    return out


def storage(answers: Mapping[str, tuple[str, str]]) -> str:
    """What MPII-2.2 says for ``model.storage``: yes, no, or unknown for anything else."""
    return {"Yes": "yes", "No": "no", "N/A": "no"}.get(answers.get("MPII-2.2", ("", ""))[0], "unknown")
