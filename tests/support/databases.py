"""Databases for queries: a PostgreSQL server that is started for the tests, SQLite files, and the config that names
them."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the bench starts a server too, and is to stay small
    from tests.support.world import World

PASSWORD = "pa55-canary"


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server that listens on a socket in `folder` and wants a password."""

    folder: Path
    programs: Path
    user: str

    @property
    def uri(self) -> str:
        return f"postgresql://{self.user}:{PASSWORD}@/postgres?host={self.folder}"

    def run(self, sql: str, *words: str) -> str:
        """What psql prints of some statements."""
        command = [self.programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *words, "-d", self.uri, "-f", "-"]
        return subprocess.run(command, input=sql, text=True, check=True, capture_output=True).stdout


@contextmanager
def postgresql() -> Iterator[Server]:
    """A server of its own; as another user where these tests are root, which PostgreSQL refuses to run as."""
    found = shutil.which("initdb") or str(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1])
    programs = Path(found).resolve().parent
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    more: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="lsms-pg-"))  # short: its socket's name may have 107 bytes
    (folder / "password").write_text(PASSWORD)
    for path in (folder, folder / "password"):
        os.chown(path, user.pw_uid, user.pw_gid)

    def call(program: str, *words: str) -> None:
        command = [programs / program, "-D", folder / "data", *words]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **more)

    try:
        call("initdb", "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-N", "-E", "UTF8", "--no-locale")
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -h '' -F", "start")
        try:
            yield Server(folder, programs, user.pw_name)
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def sqlite_file(path: Path, create: str, rows: Iterable[tuple[Any, ...]] = ()) -> Path:
    """A new database of one table `members` in a file; `create`: its columns."""
    path.unlink(missing_ok=True)
    rows = list(rows)
    connection = sqlite3.connect(path)
    connection.execute(f"create table members ({create})")
    if rows:
        connection.executemany(f"insert into members values ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return path


def source(folder: Path, driver: str, uri: object, name: str = "warehouse") -> Path:
    """A config file with a source, whose address is in a file of its own."""
    file, config = folder / f"{name}.uri", folder / "config.toml"
    file.write_text(f"{uri}\n", "utf-8")
    file.chmod(0o600)
    config.write_text(f'[default]\n[sources.{name}]\ndriver = "{driver}"\nuri_file = "{file}"\n', "utf-8")
    config.chmod(0o600)
    return config


def query(world: World, driver: str, uri: object, sql: str) -> tuple[Path, dict[str, Any]]:
    """A query in the world's home, and the options that it is pushed with."""
    return world.audience(sql, "audience.sql"), {"source": "warehouse", "config": str(source(world.home, driver, uri))}
