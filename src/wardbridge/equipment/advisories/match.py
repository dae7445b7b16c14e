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

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

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


class Register:
    """The machines, indexed by manufacturer, identifier and software."""

    def __init__(self, machines: Iterable[Machine], makers: Makers | None = None) -> None:
        self.makers = makers or Makers()
        groups: dict[str, _Group] = {}
        self._by_maker: dict[str, dict[str, _Group]] = {}
        self._by_di: dict[str, list[Machine]] = {}
        self._software: dict[str, list[tuple[Machine, str]]] = {}
        for machine in machines:
            group = groups.get(machine.model_id)
            if group is None:
                group = groups[machine.model_id] = _Group(machine)
                for key in self.makers.keys(machine.manufacturer):
                    self._by_maker.setdefault(key, {})[machine.model_id] = group
            group.machines.append(machine)
            for di in machine.di:
                self._by_di.setdefault(_di(di), []).append(machine)
            programs = dict(machine.software)
            if machine.os:
                programs.setdefault(machine.os, "")
            for name, version in programs.items():
                self._software.setdefault(name, []).append((machine, version))

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
            broad.update(machine.device_id for machine, _ in self._runs(product) if not product.range.stated)
        return [joined(several) for several in found.values()], len(broad - set(found))

    def broad(self, products: Sequence[Product]) -> list[Match]:
        """The machines that :meth:`match` only counts."""
        sure = {match.device_id for match in self.match(products)[0]}
        found: dict[str, Match] = {}
        for product in products:
            for machine, name in self._runs(product) if product.status and not product.range.stated else ():
                if machine.device_id not in sure:
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
        for machine, name in self._runs(product):
            if machine.device_id not in seen and product.range.stated:
                version = dict(machine.software).get(name, "") or rest_of(name, product)
                match = judge_program(product, machine, name, version)
                if match is not None:
                    yield match

    def _by_name(self, product: Product, seen: set[str]) -> Iterator[Match]:
        vendor, text = (
            (product.host["vendor"], product.host["product"]) if product.host else (product.vendor, product.product)
        )
        without = frozenset(words(vendor)) - names.COMMON
        said = Name(text, without, prose=product.prose)
        more = Name(f"{text} {product.version}", without) if designates(product) and not product.host else None
        catalogues = {codes.plain(model) for model in product.models if len(model) >= 3}
        for maker in self.makers.keys(vendor):
            for group in self._by_maker.get(maker, {}).values():
                strength, how = names.compare(said, group.name, prose=product.prose), "model"
                if not strength and more is not None:
                    strength = names.compare(more, group.name)
                if strength < MODEL and _catalogued(group, catalogues, said, product):
                    strength, how = EXACT, "catalogue number"
                if not strength:
                    continue
                for machine in group.machines:
                    if machine.device_id not in seen:
                        seen.add(machine.device_id)
                        what = machine.catalogue if how == "catalogue number" else machine.model
                        named = {EXACT: "is named", MODEL: "is named in", 1: "shares its family's name with"}[strength]
                        told = "" if strength == EXACT else f" “{short(text)}”"
                        line = f"manufacturer {machine.manufacturer} is {vendor}; {how} {what} {named}{told}"
                        yield from judge(product, machine, strength, line)

    def _runs(self, product: Product) -> list[tuple[Machine, str]]:
        """Machines that run a program of the product's name (vendor too, where the name is an ordinary word)."""
        if product.prose or product.host or not product.product:
            return []
        vendor = self.makers.keys(product.vendor)
        mine = [word for word in words(product.product) if word not in set(words(product.vendor))] or list(
            words(product.product)
        )
        if not mine or not vendor:
            return []
        found: list[tuple[Machine, str]] = []
        for name, machines in self._software.items():
            if is_program(words(name), mine, vendor, frozenset(words(product.vendor))):
                found += [(machine, name) for machine, _ in machines]
        return found


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
