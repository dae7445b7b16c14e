"""From which lots a quantity is taken: first expired, first out; never an expired one unasked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wardbridge.equipment.bench.values import ZERO, Lot


def usable(lot: Lot, now: int) -> bool:
    """Something is there and it has not expired."""
    return lot.quantity > 0 and (lot.expires is None or lot.expires > now)


def choose(lots: Sequence[Lot], quantity: Decimal, now: int, name: str | None = None) -> tuple[list[Lot], Decimal]:
    """What to take of each lot to get ``quantity``, and how much is short.

    ``name`` takes from that lot alone, expired or not; None takes from those that expire first.
    """
    if name is None:
        offered = sorted(
            (lot for lot in lots if usable(lot, now)),
            key=lambda lot: (lot.expires is None, lot.expires or 0, lot.lot),
        )
    else:
        offered = [lot for lot in lots if lot.lot == name and lot.quantity > 0]
    taken: list[Lot] = []
    for lot in offered:
        if quantity <= 0:
            break
        part = min(quantity, lot.quantity)
        taken.append(Lot(lot=lot.lot, quantity=part, expires=lot.expires, price=lot.price, currency=lot.currency))
        quantity -= part
    return taken, max(quantity, ZERO)
