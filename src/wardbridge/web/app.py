"""The routes of the pages, the live stream and the static files; app.py of the product mounts them."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from wardbridge.web.call import Pages, guard, unguarded
from wardbridge.web.headers import Headers
from wardbridge.web.live.hub import Hub
from wardbridge.web.live.socket import live
from wardbridge.web.pages import admin, bed, board, chart, fleet, integration, limits, record, terms
from wardbridge.web.pages.equipment.every import EQUIPMENT, OPEN
from wardbridge.web.pages.sign_in import SignIn
from wardbridge.web.room import STATIC, Room

GET, POST, BOTH = ["GET"], ["POST"], ["GET", "POST"]

PAGES: Pages = (
    ("/", GET, board.home, "home", ""),
    ("/wards", GET, board.wards, "board", ""),
    ("/wards/{ward}", GET, board.ward, "board", ""),
    ("/wards/{ward}/limits", GET, limits.ward, "limits", ""),
    ("/wards/{ward}/limits", POST, limits.ward, "limits", "alarm.limits"),
    ("/beds/{place}", GET, bed.bed, "bed", ""),
    ("/beds/{place}/trends.json", GET, bed.trends, "bed", ""),
    ("/beds/{place}/standby", POST, bed.standby, "bed", "bed.standby"),
    ("/beds/{place}/discharge", POST, bed.discharge, "bed", "bed.discharge"),
    ("/beds/{place}/bindings", POST, bed.bind, "bed", "binding.change"),
    ("/beds/{place}/bindings/{binding}/end", POST, bed.end, "bed", "binding.change"),
    ("/beds/{place}/bindings/{binding}/correct", BOTH, bed.correct, "bed", "binding.change"),
    ("/beds/{place}/claims", POST, bed.claim, "bed", "binding.claim"),
    ("/alarms/{alarm}/acknowledge", POST, bed.acknowledge, "bed", "alarm.acknowledge"),
    ("/patients", BOTH, chart.patients, "patients", ""),
    ("/patients/{patient}", GET, chart.chart, "chart", ""),
    ("/patients/{patient}/flowsheet", GET, chart.flowsheet, "chart", ""),
    ("/patients/{patient}/verify", POST, chart.verify, "chart", "chart.verify"),
    ("/patients/{patient}/enter", BOTH, chart.enter, "chart", "chart.manual"),
    ("/patients/{patient}/limits", GET, limits.patient, "limits", ""),
    ("/patients/{patient}/limits", POST, limits.patient, "limits", "alarm.limits"),
    ("/patients/{patient}/observations/{observation}", GET, chart.origin, "chart", ""),
    ("/devices", GET, fleet.fleet, "fleet", ""),
    ("/devices/{device}", GET, fleet.device, "device", ""),
    ("/devices/{device}/admission", POST, fleet.admit, "device", ""),
    ("/devices/{device}/reveal", POST, fleet.reveal, "device", "patient.reveal"),
    ("/devices/{device}/faults", POST, fleet.report, "device", "fault.report"),
    ("/devices/{device}/faults/{fault}/take", POST, fleet.take, "device", "fault.work"),
    ("/devices/{device}/faults/{fault}/resolve", POST, fleet.resolve, "device", "fault.work"),
    ("/integration", GET, integration.overview, "integration", ""),
    ("/integration/messages", BOTH, integration.messages, "integration", ""),
    ("/integration/messages/{ref}", GET, integration.message, "integration", ""),
    ("/integration/messages/{ref}", POST, integration.message, "integration", "message.raw"),
    ("/integration/dead/{dead}/replay", POST, integration.replay, "integration", "integration.replay"),
    ("/integration/test", POST, integration.test, "integration", "integration.test"),
    ("/terms", GET, terms.terms, "terms", ""),
    ("/terms", POST, terms.add, "terms", "term.write"),
    ("/terms/{slug}", GET, terms.term, "terms", ""),
    ("/terms/{slug}", POST, terms.write, "terms", "term.write"),
    ("/terms/{slug}/{move}", POST, terms.move, "terms", "term.write"),
    ("/fhir", GET, record.record, "record", ""),
    ("/fhir/{path:path}", BOTH, record.record, "record", ""),
    ("/admin/users", GET, admin.users, "users", ""),
    ("/admin/audit", BOTH, admin.audit, "audit", ""),
)
"""Path, methods, handler, the page it belongs to, and the feature that it needs beyond the page."""


class Files(StaticFiles):
    """Static files that browsers keep: their URLs carry a content hash."""

    def file_response(self, full_path, stat_result, scope: Scope, status_code: int = 200) -> Response:  # type: ignore[no-untyped-def]
        answer = super().file_response(full_path, stat_result, scope, status_code)
        hashed = b"v=" in scope.get("query_string", b"")
        answer.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return answer


def routes(room: Room, hub: Hub) -> list[BaseRoute]:
    """Everything below ``/`` that is for browsers. The caller runs ``hub.run()`` beside the server."""
    sign_in = SignIn(room)
    pages: list[Route] = [
        Route("/sign-in", sign_in.show, methods=GET),
        Route("/sign-in", sign_in.enter, methods=POST),
        Route("/sign-out", sign_in.leave, methods=POST),
        Route("/favicon.ico", _icon, methods=GET),
        *(
            Route(path, guard(room, handler, page, feature), methods=methods)
            for path, methods, handler, page, feature in (*PAGES, *EQUIPMENT)
        ),
        *(Route(path, unguarded(room, handler), methods=methods) for path, methods, handler in OPEN),
    ]
    shield = Middleware(Headers, secure=room.secure)
    return [
        WebSocketRoute("/live", live(room, hub)),
        Mount("/static", Files(directory=STATIC), middleware=[shield]),
        *_shielded(pages, shield),
    ]


def _shielded(pages: Sequence[Route], shield: Middleware) -> list[BaseRoute]:
    for route in pages:
        route.app = shield.cls(route.app, *shield.args, **shield.kwargs)
    return list(pages)


async def _icon(request: Request) -> Response:
    return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml", headers={"cache-control": "max-age=86400"})
