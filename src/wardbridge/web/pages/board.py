"""The ward board: one tile a bed. Technical roles see beds as "in use", without names and vital signs."""

from __future__ import annotations

import msgspec
from starlette.responses import RedirectResponse, Response

from wardbridge.equipment.campaigns import store as campaigns
from wardbridge.web import views as v
from wardbridge.web.call import Call


def without_patient(tile: v.Tile) -> v.Tile:
    """The same bed for whoever may not see patients: devices, technical alarms and data age stay."""
    technical = tuple(
        msgspec.structs.replace(alarm, patient_id="", value="", limit="")
        for alarm in tile.alarms
        if alarm.kind == "technical"
    )
    state = "in-use" if tile.patient or tile.state in {"occupied", "standby"} else tile.state
    return msgspec.structs.replace(tile, patient=None, vitals={}, waves=(), score=None, alarms=technical, state=state)


def board_for(board: v.Board, *, names: bool) -> v.Board:
    """The board as a role may see it."""
    if names:
        return board
    return msgspec.structs.replace(board, tiles=tuple(without_patient(tile) for tile in board.tiles))


async def home(call: Call) -> Response:
    """``/``: clinicians to the first ward, technicians to the fleet, operators to the links."""
    roles = call.who.roles
    if not call.may("patient.see"):
        if "technician" in roles:
            return RedirectResponse("/devices", 303)
        return RedirectResponse("/integration" if "operator" in roles else "/admin/users", 303)
    return await wards(call)


async def wards(call: Call) -> Response:
    """``/wards``: the first ward, or a word that there is none yet."""
    known = await call.sources.wards.wards()
    if known:
        return RedirectResponse(f"/wards/{known[0].id}", 303)
    return call.page("no_ward.html")


async def ward(call: Call) -> Response:
    """``/wards/{ward}``."""
    names = call.may("patient.see")
    board = board_for(await call.sources.wards.board(call.path("ward")), names=names)
    for tile in board.tiles:
        if tile.patient:
            call.about(tile.patient.id)
    asked = await campaigns.asked(call.shop.pool, [tile.place_id for tile in board.tiles]) if call.room.shop else []
    return call.page("board.html", board=board, names=names, wards=await call.sources.wards.wards(), asked=asked)
