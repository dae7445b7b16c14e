"""Fetches the two browser libraries that the pages use, out of wheels on the Python package index.

    python scripts/fetch_assets.py [--out src/wardbridge/web/static/vendor]

Needs only python and pip. Both the wheel and every file in it are pinned by SHA-256, so nothing that was
not looked at ever reaches a browser. A file that is already there with the right hash is left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "src" / "wardbridge" / "web" / "static" / "vendor"


@dataclass(frozen=True)
class Wheel:
    """A pinned wheel and the files to take: (path in the wheel, name, SHA-256)."""

    requirement: str
    sha256: str
    files: tuple[tuple[str, str, str], ...]


WHEELS = (
    Wheel(
        "django-htmx==1.29.0",
        "0ec5be1645ed71e6787bd75e0250624f00274ac3bb1730f07b6629a95688929b",
        (
            (
                "django_htmx/static/django_htmx/htmx-2.min.js",
                "htmx.min.js",
                "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de",
            ),
        ),
    ),
    Wheel(
        "youplot==1.0.0",
        "31fe55753a3a073ba1bf2979708443d87d11bb9e0250a0c1ab23118e1e70fb94",
        (
            (
                "youplot/vendor/uplot.iife.min.js",
                "uplot.min.js",
                "2d27e8ad3d228164525ce213f9dc716f39b4e3aee0cc773fb3491c96cf4921a2",
            ),
            (
                "youplot/vendor/uplot.min.css",
                "uplot.min.css",
                "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
            ),
        ),
    ),
)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def present(wheel: Wheel, out: Path) -> bool:
    """Whether every file of the wheel is there with the right content."""
    return all((out / name).is_file() and digest((out / name).read_bytes()) == sha for _, name, sha in wheel.files)


def download(wheel: Wheel, folder: Path) -> Path:
    """The wheel in ``folder``; pip refuses one with another hash. Raises CalledProcessError."""
    listing = folder / "requirement.txt"
    listing.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", "utf-8")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--dest",
            str(folder),
            "--requirement",
            str(listing),
        ],
        check=True,
    )
    return next(folder.glob("*.whl"))


def extract(wheel: Wheel, path: Path, out: Path) -> None:
    """Write the pinned files. Raises SystemExit when a file differs from its pin."""
    with zipfile.ZipFile(path) as archive:
        for inner, name, sha in wheel.files:
            data = archive.read(inner)
            if digest(data) != sha:
                raise SystemExit(f"{wheel.requirement}: {inner} has SHA-256 {digest(data)}, pinned is {sha}")
            part = out / f".{name}.part"
            part.write_bytes(data)
            part.replace(out / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the files")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for wheel in WHEELS:
        if present(wheel, out):
            continue
        with tempfile.TemporaryDirectory() as folder:
            extract(wheel, download(wheel, Path(folder)), out)
        print(f"{wheel.requirement}: {', '.join(name for _, name, _ in wheel.files)}")


if __name__ == "__main__":
    main()
