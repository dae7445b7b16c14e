"""A profile compiled to checks: what a shape asks for beyond its type, one closure for each element it speaks of.

Standard: https://hl7.org/fhir/R4/profiling.html, elementdefinition.html.  The base type is checked elsewhere, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from wardbridge.fhir.definitions.profiles import BASE
from wardbridge.fhir.definitions.table import Invariant, is_a, type_of
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.predicate import Holders, Predicate, compile_predicate
from wardbridge.fhir.path.references import named_type
from wardbridge.fhir.validate.coded import binding_checks, plain_url
from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.items import Item, gatherer
from wardbridge.fhir.validate.neighbours import resolve
from wardbridge.fhir.validate.patterns import fits, same, within
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.shapes import Shape, Slicing, Use
from wardbridge.fhir.validate.slicing import Test, belongs
from wardbridge.fhir.validate.snapshot import Problem

ItemCheck: TypeAlias = Callable[[Item, Run], None]
ChildCheck: TypeAlias = Callable[[Item, Run], None]
_REFERENCES = frozenset({"Reference", "canonical", "CodeableReference"})


class Profile:
    """A profile or extension definition ready for use.

    `contexts` are (type, expression) pairs of where an extension may stand; `modifier`: an extension that changes the
    meaning of what it stands in.  `problems`: what could not be applied of its differential.
    """

    def __init__(
        self,
        url: str,
        version: str,
        type_name: str,
        shape: Shape,
        contexts: Sequence[tuple[str, str]] = (),
        invariants: Sequence[str] = (),
        *,
        modifier: bool = False,
        problems: Sequence[Problem] = (),
    ) -> None:
        self.url = url
        self.version = version
        self.type = type_name
        self.shape = shape
        self.contexts = contexts
        self.invariants = invariants
        self.modifier = modifier
        self.problems = problems
        self._check: ItemCheck | None = None

    def check(self, value: Any, place: Place, run: Run) -> None:
        """Check one value; a value of another type is one issue."""
        if self._check is None:
            self._check = _Maker(self.url).item(self.shape)
        name = value.get("resourceType") if isinstance(value, dict) else None
        kind = type_of(self.type)
        if kind is not None and kind.resource and name != self.type and not is_a(str(name), self.type):
            run.error("structure", place, f"{shown(name)} is no {self.type}, which the profile is for", self.url)
            return
        self._check(Item(value, None, name if isinstance(name, str) else self.type, place), run)


class _Maker:
    """Makes the checks of one profile; `url` is named in each issue."""

    def __init__(self, url: str) -> None:
        self.url = url

    def item(self, shape: Shape) -> ItemCheck:
        """The check of one item of an element (or of a slice)."""
        checks: list[ItemCheck] = []
        if shape.element is not None and shape.uses is not None:
            checks.append(self.types(shape, shape.uses))
        checks += self.values(shape)
        checks += binding_checks(shape.bindings)
        checks += [self.invariant(shape, row) for row in shape.constraints.values()]
        checks += [self.child(child) for child in shape.children.values()]

        def check(item: Item, run: Run) -> None:
            for one in checks:
                one(item, run)

        def within_resource(item: Item, run: Run) -> None:
            before = run.holders
            if item.value is not before.resource:
                contained = item.place[1] == "contained"
                run.holders = before._replace(resource=item.value) if contained else Holders(item.value, item.value)
            check(item, run)
            run.holders = before

        kinds = [type_of(name) for name in shape.types]
        return within_resource if any(kind is not None and kind.resource for kind in kinds) else check

    # --- the value itself --------------------------------------------------------------------------------------

    def types(self, shape: Shape, uses: dict[str, Use]) -> ItemCheck:
        label = shape.label

        def check(item: Item, run: Run) -> None:
            use = uses.get(item.type)
            if use is None:
                use = next((u for name, u in uses.items() if is_a(item.type, name)), None)
            if use is None:
                wanted = " or ".join(uses)
                run.error("structure", item.place, f"{label} must be a {wanted}, not a {item.type}", self.url)
                return
            if use.profiles and item.value is not None:
                self.conform(item, use.profiles, run)
            if use.targets and item.type in _REFERENCES:
                self.target(item, use.targets, run)

        return check

    def conform(self, item: Item, urls: Sequence[str], run: Run) -> None:
        """One of the profiles must be met; with only one its own issues are reported."""
        found = [(url, run.profile(url)) for url in urls]
        known = [profile for _, profile in found if profile is not None]
        if len(known) < len(found):
            gone = ", ".join(url for url, profile in found if profile is None)
            run.add(run.options.unknown_profiles, "not-found", item.place, f"unknown profile {gone}", self.url)
            return
        if len(known) == 1:
            known[0].check(item.value, item.place, run)
        elif not any(run.conforms(profile, item.value, item.place) for profile in known):
            run.error("structure", item.place, "fits none of the profiles " + ", ".join(urls), self.url)

    def target(self, item: Item, urls: Sequence[str], run: Run) -> None:
        text = item.value.get("reference") if isinstance(item.value, dict) else None
        resource = resolve(text, run) if isinstance(text, str) else None
        name = resource.get("resourceType") if resource is not None else named_type(item.value)
        if not isinstance(name, str):
            return
        for url in urls:
            core = plain_url(url).removeprefix(BASE)
            if type_of(core) is not None:
                if is_a(name, core):
                    return
                continue
            profile = run.profile(url)
            if profile is None:
                return
            if profile.type == name and (resource is None or run.conforms(profile, resource, item.place)):
                return
        allowed = ", ".join(urls)
        if resource is None:
            run.error("structure", item.place, f"a reference to {shown(name)} is not allowed here: {allowed}", self.url)
        else:
            run.error("structure", item.place, f"{shown(text)} fits none of the target profiles {allowed}", self.url)

    def values(self, shape: Shape) -> list[ItemCheck]:
        checks: list[ItemCheck] = []
        if shape.fixed is not None:
            checks.append(self.fixed(shape.fixed.value))
        if shape.pattern is not None:
            checks.append(self.pattern(shape.pattern.value))
        for given, operator, word in ((shape.low, ">=", "below"), (shape.high, "<=", "above")):
            if given is not None:
                checks.append(self.limit(operator, given.value, word))
        if shape.length is not None:
            checks.append(self.length(shape.length))
        return checks

    def fixed(self, wanted: Any) -> ItemCheck:
        def check(item: Item, run: Run) -> None:
            if not same(wanted, item.value):
                run.error("value", item.place, f"{shown(item.value)} is not {shown(wanted)}, which is fixed", self.url)

        return check

    def pattern(self, wanted: Any) -> ItemCheck:
        def check(item: Item, run: Run) -> None:
            if not fits(wanted, item.value):
                run.error(
                    "value", item.place, f"{shown(item.value)} does not fit the pattern {shown(wanted)}", self.url
                )

        return check

    def limit(self, operator: str, wanted: Any, word: str) -> ItemCheck:
        def check(item: Item, run: Run) -> None:
            if item.value is not None and within(operator, item.value, wanted, item.type) is False:
                run.error("value", item.place, f"{shown(item.value)} is {word} the limit {shown(wanted)}", self.url)

        return check

    def length(self, most: int) -> ItemCheck:
        def check(item: Item, run: Run) -> None:
            if isinstance(item.value, str) and len(item.value) > most:
                run.error("too-long", item.place, f"longer than {most} characters", self.url)

        return check

    def invariant(self, shape: Shape, row: Invariant) -> ItemCheck:
        compiled: dict[str, Predicate | None] = {}

        def check(item: Item, run: Run) -> None:
            if item.type not in compiled:
                try:
                    compiled[item.type] = compile_predicate(row.expression, item.type)
                except PathError:
                    compiled[item.type] = None
            predicate = compiled[item.type]
            if predicate is None:
                run.add("warning", "processing", item.place, f"invariant {row.key} cannot be read", self.url)
                return
            try:
                if item.value is None or predicate(item.value, run.holders) is not False:
                    return
            except PathError as error:
                run.add("warning", "processing", item.place, f"invariant {row.key}: {error.message}", self.url)
                return
            except (AttributeError, KeyError, TypeError):
                return
            run.add(
                "error" if row.severity == "error" else "warning",
                "invariant",
                item.place,
                f"invariant {row.key} does not hold",
                f"{row.key}: {row.expression} ({self.url})",
            )

        return check

    # --- its children ------------------------------------------------------------------------------------------

    def child(self, shape: Shape) -> ChildCheck:
        element = shape.element
        assert element is not None
        gather = gatherer(element)
        each = self.item(shape)
        low = shape.min if shape.min > element.min else 0
        top = shape.max if shape.max != element.max else None
        label = shape.label
        sort = self.sorter(shape) if shape.slices else None

        def check(parent: Item, run: Run) -> None:
            items = gather(parent.holder, parent.place)
            if len(items) < low:
                run.error("required", parent.place, f"{label}: {low} required, found {len(items)}", self.url)
            if top is not None and len(items) > top:
                run.error("structure", parent.place, f"{label}: at most {top} allowed, found {len(items)}", self.url)
            for item in items:
                each(item, run)
            if sort is not None:
                sort(parent, items, run)

        return check

    def sorter(self, shape: Shape) -> Callable[[Item, list[Item], Run], None]:
        """Puts items into slices: counts, order and rules of the slicing, and the checks of each slice."""
        # Slices without a slicing: each item is in the slices whose demands it meets.
        slicing = shape.slicing or Slicing(())
        shape.slicing = slicing
        slices = list(shape.slices.values())
        checks = [self.item(s) for s in slices]
        inner = [self.sorter(s) if s.slices else None for s in slices]
        remembered: list[list[Test]] = []

        def tests(run: Run) -> list[Test]:
            if remembered:
                return remembered[0]
            if slicing.discriminators:
                made = [belongs(s, slicing, run) for s in slices]
            else:
                made = [self.fitting(check) for check in checks]
            if not run.missing:
                remembered.append(made)
            return made

        def sort(parent: Item, items: list[Item], run: Run) -> None:
            found = self.deal(shape, slices, tests(run), items, run)
            for at, mine in enumerate(found):
                self.count(slices[at], mine, parent, run)
                for item in mine:
                    checks[at](item, run)
                deeper = inner[at]
                if deeper is not None and mine:
                    deeper(parent, mine, run)

        return sort

    def deal(
        self, shape: Shape, slices: list[Shape], tests: list[Test], items: list[Item], run: Run
    ) -> list[list[Item]]:
        """The items of each slice; what breaks the rules or the order of the slicing is an issue."""
        slicing = shape.slicing
        assert slicing is not None
        found: list[list[Item]] = [[] for _ in slices]
        highest, other = -1, False
        for item in items:
            at = next((i for i, test in enumerate(tests) if test(item, run)), None)
            if at is None:
                other = True
                if slicing.rules == "closed":
                    text = f"{shape.label}: fits no slice, and nothing else may stand here"
                    run.error("structure", item.place, text, self.url)
                continue
            if slicing.rules == "openAtEnd" and other:
                run.error("structure", item.place, f"{slices[at].label}: stands after items of no slice", self.url)
            if slicing.ordered and at < highest:
                run.error("structure", item.place, f"{slices[at].label}: stands after a later slice", self.url)
            highest = max(highest, at)
            found[at].append(item)
        return found

    def count(self, slice_: Shape, items: list[Item], parent: Item, run: Run) -> None:
        if len(items) < slice_.min:
            text = f"{slice_.label}: {slice_.min} required, found {len(items)}"
            run.error("required", parent.place, text, self.url)
        if slice_.max is not None and len(items) > slice_.max:
            text = f"{slice_.label}: at most {slice_.max} allowed, found {len(items)}"
            run.error("structure", parent.place, text, self.url)

    def fitting(self, check: ItemCheck) -> Test:
        """Without discriminators an item is in the slice whose demands it meets."""

        def test(item: Item, run: Run) -> bool:
            before = run.issues, run.questions
            run.issues, run.questions = [], []
            try:
                check(item, run)
                return not any(issue.severity == "error" for issue in run.issues)
            finally:
                run.issues, run.questions = before

        return test
