"""What every figure needs beside it: the machine, what else ran on it, and who used its processors."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

TICKS = os.sysconf("SC_CLK_TCK")


def processor() -> str:
    """The model name of the processor, as the kernel tells it."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def database_version() -> str:
    """The version of the embedded PostgreSQL."""
    import subprocess

    from wardbridge.core.postgres import binaries

    said = subprocess.run(
        [str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    return said.split()[-1]


def machine() -> dict[str, object]:
    """Cores, processor, kernel, Python, PostgreSQL, and the load average of this moment."""
    return {
        "cores": os.cpu_count(),
        "cpu": processor(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgresql": database_version(),
        "load_average": [round(part, 2) for part in os.getloadavg()],
    }


def cpu_seconds(roots: Iterable[int]) -> dict[int, float]:
    """For each root: CPU seconds of it and its living descendants so far, and of the children it has buried."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
        ticks[int(stat.parent.name)] = sum(int(fields[n]) for n in (11, 12, 13, 14))
    sums = dict.fromkeys(roots, 0)
    for pid, used in ticks.items():
        at = pid
        while at not in sums and at in parents:
            at = parents[at]
        if at in sums:
            sums[at] += used
    return {pid: used / TICKS for pid, used in sums.items()}


def server_and_database(base: str) -> dict[str, int]:
    """Process ids of what listens at a base URL of this machine: the top of its tree as ``server``, the first
    ``postgres`` below that as ``database``. Empty for another machine, or where the process cannot be seen."""
    parts = urlsplit(base)
    if parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        return {}
    top = _listener(parts.port or (443 if parts.scheme == "https" else 80))
    if top is None:
        return {}
    tree = _tree()
    # A parent that shares no word but the interpreter with its child is whoever started the server.
    while (parent := tree[top][0]) in tree and parent != os.getpid() and set(_words(parent)) & set(_words(top)):
        top = parent
    below = [
        pid
        for pid, (parent, name) in sorted(tree.items())
        if name == "postgres" and tree.get(parent, (0, ""))[1] != name
    ]
    mine = [pid for pid in below if _below(tree, pid, top)]
    return {"server": top} | ({"database": mine[0]} if mine else {})


def _tree() -> dict[int, tuple[int, str]]:
    """Parent and name of each process."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, rest = stat.read_text().rpartition(")")
            found[int(stat.parent.name)] = (int(rest.split()[1]), head.partition("(")[2])
    return found


def _below(tree: Mapping[int, tuple[int, str]], pid: int, top: int) -> bool:
    while pid in tree and pid != top:
        pid = tree[pid][0]
    return pid == top


def _words(pid: int) -> list[str]:
    """The words of a command line after its program."""
    try:
        return [word for word in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1:] if word]
    except OSError:
        return []


def _listener(port: int) -> int | None:
    """The process that listens on a TCP port of this machine."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    sockets.add(f"socket:[{fields[9]}]")
    for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):
            for handle in (entry / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(handle) in sockets:
                        return int(entry.name)
    return None


def busy_seconds() -> float:
    """CPU seconds of everything on the machine since it started."""
    fields = [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def shares(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Cores used by each name between two readings."""
    return {name: round((after[name] - before[name]) / seconds, 2) for name in after if name in before}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(json.dumps({"bench": "machine", **machine()}, ensure_ascii=False))


if __name__ == "__main__":
    main()
