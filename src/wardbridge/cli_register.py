"""``wardbridge register …`` and ``wardbridge udi``: the register of machines from the command line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Optional, TypeVar

import typer
import uvloop

from wardbridge.core.settings import Settings, load

T = TypeVar("T")
Data = Annotated[Optional[Path], typer.Option("--data", help="The data folder (WARDBRIDGE_DATA).")]  # noqa: UP045
register = typer.Typer(help="The register of machines: lists in and out, advisories, versions.", no_args_is_help=True)


def settings_of(data: Path | None) -> Settings:
    """The settings of a command that is no server: its log is kept to warnings, on stderr."""
    from wardbridge.core import log

    settings = load(os.environ, data=data)
    log.configure("warning", settings.log_format)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of asynchronous work."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@register.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX; docs/register.md names the columns.")],
    data: Data = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would happen.")] = False,
) -> None:
    """Bring a list of machines into the register; exits 1 when rows were refused."""
    from wardbridge.app import register as work

    plan = run(work.import_list(settings_of(data), file, only_show=preview))
    for line in work.report(plan, shown=preview):
        typer.echo(line)
    raise typer.Exit(1 if plan.refused else 0)


@register.command()
def export(
    data: Data = None,
    out: Annotated[Optional[Path], typer.Option(help="A .csv or .xlsx file; else CSV to stdout.")] = None,  # noqa: UP045
) -> None:
    """Write the register as a list that import reads back unchanged."""
    from wardbridge.app import register as work

    for line in run(work.export_list(settings_of(data), out)):
        sys.stdout.write(line)


@register.command()
def discover(
    files: Annotated[list[Path], typer.Argument(help="Leases, ARP tables, lldpcli JSON, NetBox JSON or CSV.")],
    data: Data = None,
    where: Annotated[str, typer.Option(help="The switch on which lldpcli ran.")] = "",
) -> None:
    """Suggest what is on the network and not in the register; several files are parts of one export."""
    from wardbridge.app import register as work

    typer.echo(run(work.discover(settings_of(data), files, where)))


@register.command("load-gudid")
def load_gudid(files: Annotated[list[Path], typer.Argument(metavar="FILE…")], data: Data = None) -> None:
    """Load published devices (GUDID as openFDA JSON, or one JSON object a line, also .gz): scanned labels name them."""
    from wardbridge.app import register as work

    for line in run(work.load_gudid(settings_of(data), files)):
        typer.echo(line)


Model = Annotated[str, typer.Option("--model", help='A model: its id, or "manufacturer name".')]
OfVersion = Annotated[str, typer.Option("--version", help="Of the model's software; every one where it is left out.")]


@register.command("load-sbom")
def load_sbom(
    file: Annotated[Path, typer.Argument()], model: Model, data: Data = None, version: OfVersion = ""
) -> None:
    """Load a bill of materials (CycloneDX, SPDX) of a model; prints what came of it as JSON."""
    from wardbridge.app import cyber

    typer.echo(run(cyber.load_sbom(settings_of(data), file, model, version)))


@register.command("load-vex")
def load_vex(file: Annotated[Path, typer.Argument()], data: Data = None) -> None:
    """Load a maker's statements on vulnerabilities (OpenVEX, CycloneDX)."""
    from wardbridge.app import cyber

    typer.echo(run(cyber.load_vex(settings_of(data), file)))


@register.command("load-mds2")
def load_mds2(
    file: Annotated[Path, typer.Argument()], model: Model, data: Data = None, version: OfVersion = ""
) -> None:
    """Load the disclosure statement (MDS2: XLSX, CSV, JSON) of a model."""
    from wardbridge.app import cyber

    typer.echo(run(cyber.load_mds2(settings_of(data), file, model, version)))


@register.command("load-epss")
def load_epss(file: Annotated[Path, typer.Argument(help="epss_scores-….csv, also .gz")], data: Data = None) -> None:
    """Load a day's EPSS scores."""
    from wardbridge.app import cyber

    typer.echo(run(cyber.load_epss(settings_of(data), file)))


@register.command("load-cve")
def load_cve(paths: Annotated[list[Path], typer.Argument(metavar="PATH…")], data: Data = None) -> None:
    """Load vulnerabilities (CVE records, NVD answers, OSV) from files and folders, and match the fleet."""
    from wardbridge.app import cyber

    typer.echo(run(cyber.load_cve(settings_of(data), paths)))


@register.command("load-advisories")
def load_advisories(
    paths: Annotated[list[Path], typer.Argument(help="CSAF, openFDA or KEV: files, folders, .gz, .zip, .ndjson.")],
    data: Data = None,
) -> None:
    """Read recalls and security advisories; exits 1 when nothing could be read or records were refused."""
    from wardbridge.app import advisories as work

    done = run(work.load_paths(settings_of(data), paths))
    for line in work.report(done):
        typer.echo(line)
    raise typer.Exit(1 if done.refused or not done.read else 0)


@register.command()
def match(
    data: Data = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Match all advisories with the register; prints each with its machines, places and whether they are in use."""
    from wardbridge.app import advisories as work

    for found in run(work.match_lines(settings_of(data))):
        typer.echo(work.line_of(found, as_json=json_))


def udi(
    texts: Annotated[Optional[list[str]], typer.Argument(metavar="TEXT…", help="Labels; none: lines of stdin.")] = None,  # noqa: UP045
) -> None:
    """Take unique device identifiers apart; prints one JSON object a line."""
    from wardbridge.app.register import udi_line

    if texts:
        for text in texts:
            typer.echo(udi_line(text))
        return
    # GS1 separates fields by 0x1D, which str.splitlines takes for the end of a line.
    for raw in sys.stdin.buffer:
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        if text.strip(" \t"):
            typer.echo(udi_line(text))
