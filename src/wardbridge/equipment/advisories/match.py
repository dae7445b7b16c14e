"""Which machines a document may concern, and why: pure, over the whole register in memory.

A document's product is held against models by manufacturer and name, against machines by identifier, version, lot and
serial number. Every answer says which identifier matched how, how certain that is, and what is not known:

- certain: the UDI-DI, or a listed serial or lot number of the named model, and nothing speaks against it;
- likely: manufacturer, model and a version inside the stated ones (or all versions, or all units);
- possible: manufacturer and model, while the version or the units cannot be told.

A machine of a named model whose version, lot or serial number is known not to be meant is ``excluded`` with the
reason. What cannot be read never excludes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from fnmatch import fnmatchcase
from functools import lru_cache

from wardbridge.equipment.advisories import codes, names
from wardbridge.equipment.advisories.judge import (
    CANDIDATE,
    NO_VERSION,
    POSSIBLE,
    Machine,
    Match,
    designates,
    facts_of,
    is_program,
    joined,
    judge,
    judge_program,
    rest_of,
    short,
)
from wardbridge.equipment.advisories.names import EXACT, MODEL, Makers, Name, words
from wardbridge.equipment.advisories.values import Product


class _Group:
    """The machines of one model."""

    __slots__ = ("catalogue", "machines", "name")

    def __init__(self, first: Machine) -> None:
        self.name = Name(first.model, frozenset(words(first.manufacturer)) - names.COMMON)
        self.catalogue = codes.plain(first.catalogue)
        self.machines: list[Machine] = []


class _Maker:
    """The models of one manufacturer, found by the words without which :func:`names.compare` says no."""

    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self._own: dict[str, list[_Group]] = {}
        self._any: dict[str, list[_Group]] = {}
        self._spans: list[_Group] = []

    def add(self, group: _Group) -> None:
        self.groups.append(group)
        name = group.name
        own = {name.squashed, name.whole, group.catalogue, group.catalogue.casefold()}
        if name.telling:
            own.add(max(name.telling, key=lambda word: (word in name.digits, len(word), word)))
        for key in own:
            self._own.setdefault(key, []).append(group)
        for key in name.words | name.grams:
            self._any.setdefault(key, []).append(group)
        if name.spans:
            self._spans.append(group)

    def near(self, said: Name, catalogues: Collection[str]) -> Collection[_Group]:
        """Every model that a product of this name may be, by identity once."""
        if said.spans or any("*" in one or "?" in one for one in catalogues):
            return self.groups
        found = {id(group): group for group in self._spans}
        for key in (*said.words, *said.grams, said.squashed, said.whole, *catalogues):
            for group in self._own.get(key, ()):
                found[id(group)] = group
        if said.telling and not said.prose:
            for group in min((self._any.get(word, []) for word in said.telling), key=len):
                found[id(group)] = group
        return found.values()


class Register:
    """The machines, indexed by manufacturer, identifier and software."""

    def __init__(self, machines: Iterable[Machine], makers: Makers | None = None) -> None:
        self.makers = makers or Makers()
        groups: dict[str, _Group] = {}
        self._by_maker: dict[str, _Maker] = {}
        self._by_di: dict[str, list[Machine]] = {}
        self._users: dict[str, dict[str, Machine]] = {}
        for machine in machines:
            group = groups.get(machine.model_id)
            if group is None:
                group = groups[machine.model_id] = _Group(machine)
                for key in self.makers.keys(machine.manufacturer):
                    self._by_maker.setdefault(key, _Maker()).add(group)
            group.machines.append(machine)
            for di in machine.di:
                self._by_di.setdefault(_di(di), []).append(machine)
            for name in {*dict(machine.software), machine.os} - {""}:
                self._users.setdefault(name, {})[machine.device_id] = machine

    def match(self, products: Sequence[Product]) -> tuple[list[Match], int]:
        """Every machine that these products of one document concern or name, and how many more run a program that
        the document names without any version (they are too many and too vague to be candidates)."""
        found: dict[str, list[Match]] = {}
        broad: set[str] = set()
        for product in products:
            if not product.status:
                continue
            for match in self._of(product):
                found.setdefault(match.device_id, []).append(match)
            if not product.range.stated:
                for name in self._programs(product):
                    broad |= self._users[name].keys()
        return [joined(several) for several in found.values()], len(broad - set(found))

    def broad(self, products: Sequence[Product]) -> list[Match]:
        """The machines that :meth:`match` only counts."""
        sure = {match.device_id for match in self.match(products)[0]}
        found: dict[str, Match] = {}
        for product in products:
            for name in self._programs(product) if product.status and not product.range.stated else ():
                for machine in self._users[name].values():
                    if machine.device_id in sure:
                        continue
                    found[machine.device_id] = Match(
                        device_id=machine.device_id, verdict=CANDIDATE, certainty=POSSIBLE,
                        products=(product.product_id,), why=(f"it runs {name}",), unknown=(NO_VERSION,),
                        facts=facts_of(machine, [product]),
                    )  # fmt: skip
        return list(found.values())

    def _of(self, product: Product) -> Iterator[Match]:
        seen: set[str] = set()
        for di in product.di:
            for machine in self._by_di.get(_di(di), ()):
                if machine.device_id not in seen:
                    seen.add(machine.device_id)
                    yield from judge(product, machine, EXACT, f"UDI-DI {di} is listed", certain=True)
        yield from self._by_name(product, seen)
        for name in self._programs(product) if product.range.stated else ():
            for machine in self._users[name].values():
                if machine.device_id not in seen:
                    version = dict(machine.software).get(name, "") or rest_of(name, product)
                    yield from judge_program(product, machine, name, version)

    def _by_name(self, product: Product, seen: set[str]) -> Iterator[Match]:
        vendor, text = (
            (product.host["vendor"], product.host["product"]) if product.host else (product.vendor, product.product)
        )
        without = frozenset(words(vendor)) - names.COMMON
        said = Name(text, without, prose=product.prose)
        more = Name(f"{text} {product.version}", without) if designates(product) and not product.host else None
        listed = {_di(di) for di in product.di} if product.codes.complete else set()
        catalogues = {codes.plain(model) for model in product.models if len(model) >= 3}
        for maker in self.makers.keys(vendor):
            for group in self._near(maker, said, more, catalogues):
                strength, how = names.compare(said, group.name, prose=product.prose), "model"
                if not strength and more is not None:
                    strength = names.compare(more, group.name)
                if strength < MODEL and _catalogued(group, catalogues, said, product):
                    strength, how = EXACT, "catalogue number"
                if not strength:
                    continue
                named = {EXACT: "is named", MODEL: "is named in", 1: "shares its family's name with"}[strength]
                told = "" if strength == EXACT else f" “{short(text)}”"
                for machine in group.machines:
                    other = listed and machine.di and not any(_di(di) in listed for di in machine.di)
                    if machine.device_id in seen or other:
                        continue
                    seen.add(machine.device_id)
                    what = machine.catalogue if how == "catalogue number" else machine.model
                    line = f"manufacturer {machine.manufacturer} is {vendor}; {how} {what} {named}{told}"
                    yield from judge(product, machine, strength, line)

    def _near(self, maker: str, said: Name, more: Name | None, catalogues: Set[str]) -> Collection[_Group]:
        known = self._by_maker.get(maker)
        if known is None:
            return ()
        found = {id(group): group for group in known.near(said, catalogues)}
        return found.values() if more is None else (found | {id(one): one for one in known.near(more, ())}).values()

    def _programs(self, product: Product) -> list[str]:
        """Programs of the product's name (vendor too, where the name is an ordinary word)."""
        vendor, firm = self.makers.keys(product.vendor), frozenset(words(product.vendor))
        mine = [word for word in words(product.product) if word not in firm] or list(words(product.product))
        if product.prose or product.host or not mine or not vendor:
            return []
        return [name for name in self._users if is_program(words(name), mine, vendor, firm)]


@lru_cache(maxsize=1 << 18)
def _di(di: str) -> str:
    """Device identifiers of all agencies as compared: GTINs with 14 digits."""
    return di.zfill(14) if di.isdigit() and len(di) in (8, 12, 13) else di.upper()


def _catalogued(group: _Group, catalogues: set[str], said: Name, product: Product) -> bool:
    mine = group.catalogue
    if len(mine) < 3:
        return False
    if any(mine == one or (("*" in one or "?" in one) and fnmatchcase(mine, one)) for one in catalogues):
        return True
    return product.prose and len(mine) > 3 and any(c.isdigit() for c in mine) and said.has(mine.casefold())
