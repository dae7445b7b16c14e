"""A row of a list as values, with everything that is wrong with it."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register.lists import cells
from wardbridge.equipment.register.lists.columns import Heading, known
from wardbridge.equipment.register.lists.match import Identity, same_di
from wardbridge.equipment.register.lists.sheet import Sheet
from wardbridge.equipment.register.lists.values import Seat, Trouble
from wardbridge.equipment.udi.parse import parse


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """``said`` are the values of each part that are not empty; ``label`` what its UDI says beyond them; ``network`` the
    values of each numbered interface."""

    number: int
    said: dict[str, dict[str, Any]]
    label: dict[str, Any] = {}
    network: dict[int, dict[str, Any]] = {}

    def get(self, part: str, field: str) -> str:
        return str(self.said.get(part, {}).get(field, ""))

    @property
    def di(self) -> str:
        """The device identifier as its agency writes it: the column's, else the label's."""
        return str(self.label.get("di", "")) or self.get("asset", "di")

    @property
    def seat(self) -> Seat:
        return Seat(self.get("place", "ward"), self.get("place", "room"), self.get("place", "bed"))

    @property
    def identity(self) -> Identity:
        asset = self.label | self.said.get("asset", {})
        return Identity(
            device_id=self.get("id", "device_id"), tag=asset.get("tag", ""), serial=asset.get("serial", ""),
            manufacturer=self.get("model", "manufacturer"), model=self.get("model", "name"), di=asset.get("di", ""),
            macs=tuple(one["mac"] for one in self.network.values() if one.get("mac")),
        )  # fmt: skip


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of a sheet that could be read, and what is to be said of the others."""

    rows: tuple[Row, ...]
    total: int
    refused: tuple[Trouble, ...]
    warnings: tuple[Trouble, ...]
    unknown: tuple[str, ...]


def read(sheet: Sheet, year: int) -> Reading:
    """The rows of a sheet. ``year`` of today places dates of two digits in a UDI. Raises Invalid when no heading is a
    column of the register, or two are the same."""
    number, first = sheet.rows[0]
    columns = _columns(first, number)
    rows, refused = [], []
    warnings = [Trouble(row=0, column="", reason=note) for note in sheet.notes]
    body = sheet.rows[1:]
    orders = _orders(columns, body, warnings)
    for number, texts in body:
        row, wrong, odd = _row(number, columns, texts, orders, year)
        warnings += odd
        if wrong:
            refused += wrong
        elif row.said or row.network:
            rows.append(row)
    unknown = tuple(text.strip() for text in first if text.strip() and known(text) is None)
    return Reading(rows=tuple(rows), total=len(body), refused=tuple(refused), warnings=tuple(warnings),
                   unknown=unknown)  # fmt: skip


def _columns(texts: Sequence[str], number: int) -> dict[int, Heading]:
    found = {at: heading for at, text in enumerate(texts) if (heading := known(text)) is not None}
    if not found:
        shown = ", ".join(repr(text.strip()[:30]) for text in texts[:6])
        raise Invalid(f"no heading is a column of the register: {shown}", f"row {number}")
    taken: dict[tuple[str, int], int] = {}
    for at, heading in found.items():
        key = (heading.column.heading, heading.number)
        if key in taken:
            raise Invalid(f"the columns {texts[taken[key]]!r} and {texts[at]!r} are both {key[0]}", f"row {number}")
        taken[key] = at
    return found


def _orders(
    columns: Mapping[int, Heading], body: Sequence[tuple[int, tuple[str, ...]]], warnings: list[Trouble]
) -> dict[int, str]:
    """How ambiguous dates of a column are to be read, where its other dates prove it."""
    found = {}
    for at, heading in columns.items():
        if heading.column.reads == "date":
            texts = [cells_[at] for _, cells_ in body if at < len(cells_)]
            order = cells.order_of(texts)
            if order and any(cells.ambiguous(text) for text in texts):
                found[at] = order
                reason = f"dates were read {order}-first, as others of the column prove"
                warnings.append(Trouble(row=0, column=heading.column.heading, reason=reason))
    return found


def _row(
    number: int, columns: Mapping[int, Heading], texts: Sequence[str], orders: Mapping[int, str], year: int
) -> tuple[Row, list[Trouble], list[Trouble]]:
    said: dict[str, dict[str, Any]] = {}
    network: dict[int, dict[str, Any]] = {}
    wrong: list[Trouble] = []
    for at, heading in columns.items():
        text = texts[at] if at < len(texts) else ""
        column = heading.column
        if not text.strip():
            continue
        try:
            value = cells.READERS[column.reads](text, orders.get(at, ""))
        except Invalid as error:
            name = column.heading if heading.number == 1 else f"{column.heading} {heading.number}"
            wrong.append(Trouble(row=number, column=name, reason=error.message))
            continue
        if value is None or value == "":
            continue
        if column.part == "interface":
            network.setdefault(heading.number, {})[column.field] = value
        else:
            said.setdefault(column.part, {})[column.field] = value
    odd: list[Trouble] = []
    label = _label(number, said.get("asset", {}), year, odd)
    return Row(number=number, said=said, label=label, network=network), wrong, odd


def _label(number: int, asset: Mapping[str, Any], year: int, odd: list[Trouble]) -> dict[str, Any]:
    """What the UDI says; what is odd about it is said and refuses nothing. The column of the device identifier wins
    over the label."""
    found: dict[str, Any] = {}
    if asset.get("udi"):
        found, warnings = label_says(asset["udi"], year)
        odd += [Trouble(row=number, column="UDI", reason=warning) for warning in warnings]
        for name, heading in (("di", "UDI-DI"), ("serial", "Serial Number"), ("lot", "Lot")):
            told, labelled = str(asset.get(name, "")), found.get(name, "")
            if told and labelled and same_di(told) != same_di(labelled):
                reason = f"the UDI says {labelled!r}, the column {told!r}"
                odd.append(Trouble(row=number, column=heading, reason=reason))
    if asset.get("di"):
        udi = parse(asset["di"], year)
        odd += [Trouble(row=number, column="UDI-DI", reason=warning) for warning in udi.warnings]
        found["di"] = udi.di
    return {name: value for name, value in found.items() if value not in ("", None)}


def label_says(text: str, year: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a UDI fills in of a machine (di, lot, serial, expires, manufactured; µs), and what is odd about it."""
    if not text:
        return {}, ()
    udi = parse(text, year)
    found: dict[str, Any] = {"di": udi.di, "lot": udi.lot, "serial": udi.serial}
    found |= {"expires": cells.moment(_last_day(udi.expiration)), "manufactured": cells.moment(udi.manufactured)}
    return {name: value for name, value in found.items() if value not in ("", None)}, udi.warnings


def _last_day(text: str) -> str:
    """A month of expiry ends with its last day."""
    if len(text) != 7:
        return text
    year, month = int(text[:4]), int(text[5:])
    return f"{text}-{calendar.monthrange(year, month)[1]:02}"
