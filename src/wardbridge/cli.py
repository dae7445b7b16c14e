"""The command line: thin; each command calls one function of ``wardbridge.app`` or of a room."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Optional, TypeVar

import typer
import uvloop

from wardbridge import cli_register
from wardbridge.core.errors import WardbridgeError
from wardbridge.core.settings import Settings, load

T = TypeVar("T")
app = typer.Typer(
    name="wardbridge",
    help="One open system for clinicians, clinical engineering and hospital IT.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
user = typer.Typer(help="People who sign in.", no_args_is_help=True)
device = typer.Typer(help="Devices of the register.", no_args_is_help=True)
terminology = typer.Typer(help="Code systems from their publishers' release files.", no_args_is_help=True)
service = typer.Typer(help="Services that use the API.", no_args_is_help=True)
app.add_typer(user, name="user")
app.add_typer(device, name="device")
app.add_typer(service, name="service")
app.add_typer(terminology, name="terminology")
fhir = typer.Typer(help="Definitions of the record: packages of profiles and terminology.", no_args_is_help=True)
app.add_typer(fhir, name="fhir")
app.add_typer(cli_register.register, name="register")
app.command()(cli_register.udi)

Data = Annotated[Optional[Path], typer.Option("--data", help="The data folder (WARDBRIDGE_DATA).")]  # noqa: UP045
Port = Annotated[Optional[int], typer.Option("--port", help="Port of pages and API.")]  # noqa: UP045
Host = Annotated[Optional[str], typer.Option("--host", help="Address of pages and API.")]  # noqa: UP045
MllpPort = Annotated[Optional[int], typer.Option("--mllp-port", help="Port of the HL7 v2 listener.")]  # noqa: UP045
MllpHost = Annotated[Optional[str], typer.Option("--mllp-host", help="Address of the HL7 v2 listener.")]  # noqa: UP045


def _settings(*, quiet: bool = True, **overrides: Any) -> Settings:
    """The settings; commands that are no server keep their log to warnings."""
    from wardbridge.core import log

    settings = load(os.environ, **overrides)
    log.configure("warning" if quiet else settings.log_level, settings.log_format)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@app.command()
def serve(
    data: Data = None, port: Port = None, host: Host = None, mllp_port: MllpPort = None, mllp_host: MllpHost = None
) -> None:
    """Run Wardbridge in the foreground; prints ``ready URL`` when it answers."""
    # Until the server has its own handlers there is nothing to end but this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from wardbridge.app.serve import Server

    settings = _settings(quiet=False, data=data, port=port, host=host, mllp_port=mllp_port, mllp_host=mllp_host)
    _run(Server(settings, say=_say).run())


@app.command()
def demo(
    data: Data = None,
    port: Port = None,
    host: Host = None,
    mllp_port: MllpPort = None,
    mllp_host: MllpHost = None,
    beds: Annotated[int, typer.Option(help="Beds of the simulated ward, 1 to 12.", min=1, max=12)] = 12,
    speed: Annotated[float, typer.Option(help="How much faster than life the story runs.", min=0.1, max=60)] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same ward.")] = 1,
) -> None:
    """Run Wardbridge with a simulated intensive care unit."""
    from wardbridge.app.demo import demo as run_demo

    settings = _settings(
        quiet=False,
        log_level=os.environ.get("WARDBRIDGE_LOG_LEVEL", "error"),
        log_format=os.environ.get("WARDBRIDGE_LOG_FORMAT", "text"),
        data=data or os.environ.get("WARDBRIDGE_DATA") or "demo-data",
        port=port,
        host=host,
        mllp_port=mllp_port,
        mllp_host=mllp_host,
    )
    _run(run_demo(settings, beds=beds, speed=speed, seed=seed, say=_say))


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to this version's schema."""
    from wardbridge.app import offline

    for line in _run(offline.migrate_database(_settings(data=data))):
        typer.echo(line)


@app.command()
def check(data: Data = None) -> None:
    """Check settings, drivers, disk and database; exits 1 when something is wrong."""
    from wardbridge.app import offline

    problems = _run(offline.check(_settings(data=data)))
    for line in problems:
        typer.echo(line)
    typer.echo(f"{len(problems)} problems" if problems else "all well")
    raise typer.Exit(1 if problems else 0)


@app.command()
def token(
    role: Annotated[str, typer.Option(help="nurse physician technician operator administrator service")],
    data: Data = None,
    scope: Annotated[Optional[list[str]], typer.Option(help="SMART v2 scope; may be given several times.")] = None,  # noqa: UP045
    ttl: Annotated[int, typer.Option(help="Seconds that it is valid.")] = 3600,
) -> None:
    """Print a bearer token for the API (for whoever may read the data folder)."""
    from wardbridge.core.clock import SystemClock
    from wardbridge.security.tokens import Tokens

    settings = _settings(data=data)
    scopes = tuple(word for text in scope or () for word in text.split())
    typer.echo(Tokens(settings.folder / "keys", SystemClock()).issue(role=role, scopes=scopes, ttl_seconds=ttl))


@app.command()
def validate(files: Annotated[list[Path], typer.Argument(help="FHIR R4 resources as JSON.")]) -> None:
    """Validate resources; prints one OperationOutcome a line, exits 1 when there are errors."""
    from wardbridge.app import offline

    failed = False
    for file in files:
        outcome, bad = offline.validate_file(file)
        failed = failed or bad
        typer.echo(json.dumps(outcome, ensure_ascii=False))
    raise typer.Exit(1 if failed else 0)


@app.command()
def fhirpath(expression: str, file: Path) -> None:
    """Evaluate a FHIRPath expression on a resource; prints the result as JSON."""
    from wardbridge.app import offline

    typer.echo(offline.fhirpath(expression, file))


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="NDJSON files of FHIR resources.")], data: Data = None
) -> None:
    """Write every resource of NDJSON files to the record; exits 1 when lines were refused."""
    from wardbridge.app.bulk import import_files

    written, refused, why = _run(import_files(_settings(data=data), files))
    for row in written:
        typer.echo(f"{row['type']}: {row['created']} created, {row['updated']} updated")
    if refused:
        typer.echo(f"{refused} lines were refused; {why} says why")
    raise typer.Exit(1 if refused else 0)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder for the NDJSON files.")],
    data: Data = None,
    type_: Annotated[Optional[list[str]], typer.Option("--type", help="May be given several times.")] = None,  # noqa: UP045
) -> None:
    """Write the record, as it is now, as NDJSON files."""
    from wardbridge.app.bulk import export_files

    for name, lines in _run(export_files(_settings(data=data), out, tuple(type_ or ()))):
        typer.echo(f"{name}: {lines}")


@app.command()
def reindex(
    data: Data = None,
    type_: Annotated[Optional[list[str]], typer.Option("--type", help="May be given several times.")] = None,  # noqa: UP045
    status: Annotated[bool, typer.Option("--status", help="Only say how far it is.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare the index with the resources.")] = False,
    every: Annotated[int, typer.Option(help="With --verify: every n-th resource.", min=1)] = 1,
) -> None:
    """Make the search index anew, say how far that is, or prove that it is right (exits 1 when it is not)."""
    from wardbridge.app import reindex as index

    settings, types = _settings(data=data), tuple(type_ or ())
    if status:
        for line in _run(index.index_status(settings)):
            typer.echo(line)
    elif verify:
        found = _run(index.verify_index(settings, types, every))
        for name, why in found.wrong:
            typer.echo(f"{name}: {why}")
        typer.echo(f"{found.checked} resources compared, {found.wrong_total} wrong")
        raise typer.Exit(1 if found.wrong_total else 0)
    else:
        _run(index.reindex(settings, types, _say))


@app.command()
def backup(target: Path, data: Data = None) -> None:
    """Write one backup file; Wardbridge may be running."""
    from wardbridge.app.backup import backup as run_backup
    from wardbridge.core.clock import SystemClock

    manifest = _run(run_backup(_settings(data=data), target, SystemClock()))
    typer.echo(f"{target}: {len(manifest['parts'])} parts of {manifest['created']}")


@app.command()
def restore(source: Path, data: Data = None) -> None:
    """Fill an empty data folder from a backup file."""
    from wardbridge.app.backup import restore as run_restore
    from wardbridge.core.clock import SystemClock

    manifest = _run(run_restore(_settings(data=data), source, SystemClock()))
    typer.echo(f"restored the state of {manifest['created']}")


@fhir.command("load-package")
def load_package(
    files: Annotated[list[Path], typer.Argument(help="FHIR packages: .tgz files, or folders of one each.")],
    data: Data = None,
) -> None:
    """Load packages of profiles, value sets and search parameters; Wardbridge may be running."""
    from wardbridge.app.packages import load_packages

    def progress(report: Any) -> None:
        typer.echo(f"{report.package.name}#{report.package.version}: {report.resources} resources so far", err=True)

    for report in _run(load_packages(_settings(data=data), files, progress)):
        typer.echo(
            f"{report.package.name}#{report.package.version}: {report.created} created, {report.updated} updated, "
            f"{report.unchanged} unchanged, {report.skipped} of no use here"
        )
        for line in report.missing:
            typer.echo(f"  needs {line}, which is not loaded")
        for line in report.problems:
            typer.echo(f"  {line}")


@fhir.command("packages")
def packages(data: Data = None) -> None:
    """List the packages that were loaded."""
    from wardbridge.app.packages import list_packages

    for line in _run(list_packages(_settings(data=data))):
        typer.echo(line)


@user.command("add")
def user_add(
    login: str,
    role: Annotated[list[str], typer.Option(help="May be given several times.")],
    data: Data = None,
    name: Annotated[str, typer.Option(help="As screens show it.")] = "",
    password: Annotated[str, typer.Option(envvar="WARDBRIDGE_PASSWORD", help="Asked for when not given.")] = "",
) -> None:
    """Add a person. The password comes from the prompt, the option or WARDBRIDGE_PASSWORD."""
    from wardbridge.app import offline

    secret = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    _run(offline.add_user(_settings(data=data), login, name, tuple(role), secret))
    typer.echo(f"added {login}")


@user.command("list")
def user_list(data: Data = None) -> None:
    """List people and their roles."""
    from wardbridge.app import offline

    for line in _run(offline.list_users(_settings(data=data))):
        typer.echo(line)


@user.command("change")
def user_change(
    login: str,
    data: Data = None,
    role: Annotated[Optional[list[str]], typer.Option(help="The new roles.")] = None,  # noqa: UP045
    disable: Annotated[bool, typer.Option("--disable", help="No more sign-in.")] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Sign-in again.")] = False,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
) -> None:
    """Change roles, password or state of a person; their sessions end."""
    from wardbridge.app import offline

    secret = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if password else None
    enabled = True if enable else False if disable else None
    roles = tuple(role) if role else None
    _run(offline.change_user(_settings(data=data), login, secret, roles, enabled))
    typer.echo(f"changed {login}")


@terminology.command("load")
def terminology_load(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="loinc snomed rxnorm icd10cm rtmms")],
    path: Annotated[Path, typer.Argument(help="The release: a folder, a zip or a file.")],
    data: Data = None,
    version: Annotated[str, typer.Option(help="Its version, where the names of the files do not say it.")] = "",
) -> None:
    """Load a code system; what was loaded under the same version is replaced when the load has ended."""
    from wardbridge.app import offline

    head, total = _run(offline.load_terminology(_settings(data=data), format_, path, version))
    typer.echo(f"{head.canonical}: {total} concepts")


@service.command("add")
def service_add(
    client: str,
    scope: Annotated[list[str], typer.Option(help="system/Type.cruds; may be given several times.")],
    data: Data = None,
    name: Annotated[str, typer.Option(help="As logs show it.")] = "",
) -> None:
    """Register a service; prints its client secret once."""
    from wardbridge.app import offline

    typer.echo(_run(offline.add_service(_settings(data=data), client, name, tuple(scope))))


@device.command("list")
def device_list(data: Data = None) -> None:
    """List devices, one JSON object a line."""
    from wardbridge.app import offline

    for line in _run(offline.list_devices(_settings(data=data))):
        typer.echo(line)


@device.command("add")
def device_add(
    data: Data = None,
    key: Annotated[str, typer.Option(help="The key that the device sends (EUI-64, EPR).")] = "",
    serial: Annotated[str, typer.Option(help="Serial number.")] = "",
    manufacturer: Annotated[str, typer.Option()] = "",
    model: Annotated[str, typer.Option()] = "",
    label: Annotated[str, typer.Option(help="As screens show it.")] = "",
    place: Annotated[str, typer.Option(help="Where it stands: ward|room|bed.")] = "",
) -> None:
    """Expect a device: accepted at first sight when its key, or model and serial, match."""
    from wardbridge.app import offline

    _run(
        offline.expect_device(
            _settings(data=data),
            key=key,
            serial=serial,
            manufacturer=manufacturer,
            model=model,
            label=label,
            place=place,
        )
    )
    typer.echo("expected")


@app.command(hidden=True)
def process(name: str) -> None:
    """One of our own child processes."""
    from wardbridge.app.process import run_process

    run_process(name)


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    """Entry point: our own errors are one clear line on stderr and exit code 2."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except WardbridgeError as error:
        where = f" ({error.where})" if error.where and error.where not in error.message else ""
        print(f"wardbridge: {error.message}{where}", file=sys.stderr)
        sys.exit(2)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        if type(error).__name__ in {
            "UsageError",
            "BadParameter",
            "NoSuchOption",
            "MissingParameter",
            "NoArgsIsHelpError",
        }:
            error.show()  # type: ignore[attr-defined]
            sys.exit(2)
        raise


if __name__ == "__main__":
    main()
