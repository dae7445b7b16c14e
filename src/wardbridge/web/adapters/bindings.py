"""Device and patient by hand, over devices.binding."""

from __future__ import annotations

from wardbridge.core.db import Pool, transaction
from wardbridge.core.errors import NotFound
from wardbridge.devices import binding
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import facts
from wardbridge.security.principal import Principal
from wardbridge.web.adapters.common import reference
from wardbridge.web.words import _


class BindingDesk:
    """Answers :class:`wardbridge.web.sources.Bindings`."""

    def __init__(self, pool: Pool, parts: Parts) -> None:
        self._pool = pool
        self._parts = parts

    async def bind(self, device_id: str, patient_id: str, place_id: str, start: int, by: Principal) -> None:
        async with transaction(self._pool) as conn:
            await binding.bind(self._parts, conn, device_id, patient_id, by=reference(by), at=start)

    async def end(self, binding_id: str, by: Principal) -> None:
        """Take the device off its patient from now on."""
        async with transaction(self._pool) as conn:
            row = await facts.binding(conn, _number(binding_id))
            if row is None:
                raise NotFound(_("There is no such binding."), "binding")
            await binding.unbind(self._parts, conn, row.device_id, by=reference(by))

    async def correct(self, binding_id: str, patient_id: str, by: Principal, reason: str) -> None:
        async with transaction(self._pool) as conn:
            await binding.correct(self._parts, conn, _number(binding_id), patient_id, by=reference(by), reason=reason)

    async def claim(self, device_id: str, start: int, stop: int, patient_id: str, by: Principal) -> None:
        end = stop or self._parts.clock.now()
        async with transaction(self._pool) as conn:
            await binding.claim(self._parts, conn, device_id, start, end, patient_id, by=reference(by))


def _number(text: str) -> int:
    if not text.isdecimal():
        raise NotFound(_("There is no such binding."), "binding")
    return int(text)
