"""What must hold before the first process starts: ports that are free, certificates that load, tables that parse.

A wrong setting is one clear line and exit code 2, never a process that fails again and again behind a
server that does not answer.
"""

from __future__ import annotations

import socket
import ssl

from wardbridge.core.clock import Clock
from wardbridge.core.errors import SettingsError
from wardbridge.core.settings import Settings

PATIENCE_SECONDS = 10.0
"""How long a port may stay taken: processes of a server that was killed a moment ago are still ending."""


def tables(settings: Settings) -> None:
    """Read every table and certificate. Raises SettingsError that names the one that is wrong."""
    # Imported here: most houses start without them, and they bring much along.
    from wardbridge.app.feeds import destination
    from wardbridge.app.gateway import tls_of
    from wardbridge.app.links import links_of

    links_of(settings)
    for name, table in settings.destinations.items():
        destination(name, table)
    try:
        tls_of(settings)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"mllp_tls: the certificate, its key or the client CA is not usable: {error}",
                            "mllp_tls") from error  # fmt: skip
    if settings.tls_cert:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(f"tls: the certificate or its key is not usable: {error}", "tls") from error


async def ports(settings: Settings, clock: Clock) -> None:
    """Wait a little until both ports are free. Raises SettingsError for one that another program holds."""
    end = clock.monotonic() + PATIENCE_SECONDS
    for name, host, port in (("port", settings.host, settings.port),
                             ("mllp_port", settings.mllp_host, settings.mllp_port)):  # fmt: skip
        while reason := taken(host, port):
            if clock.monotonic() > end:
                raise SettingsError(f"{name}: cannot listen on {host}:{port}: {reason}", name)
            await clock.sleep(0.1)


def taken(host: str, port: int) -> str:
    """Why nobody can listen there now; '' when it is free. Raises SettingsError for a host that is none of ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, OverflowError) as error:
        raise SettingsError(f"{host}:{port} is no address to listen on: {error}", "host") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            return error.strerror or str(error)
    return ""
