"""A PostgreSQL server of the tests' own: on a socket in a folder and a free loopback port, gone when they end."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests.ports import free_port

STARTS_WITHIN_S = 60  # a server on a busy machine; usually 2 s


class PostgresServer:
    """A running server; every database of it is new."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port, self._host = port, host
        self._numbers = itertools.count(1)

    def url(self, name: str) -> str:
        return f"postgresql://pressline@{self._host}:{self.port}/{name}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"line_{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return self.url(name)


@contextmanager
def postgres_server(namespace: str = "", network: str = "") -> Iterator[PostgresServer]:
    """A server as long as the block; as another user where we are root, because it refuses to run as one.

    With a network namespace it is there, on every address, for whoever comes from `network`.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pressline-postgres-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, port = folder / "data", free_port()
    auth = ["--auth=trust", "--username=pressline", "--encoding=UTF8", "--locale=C", "--no-sync"]
    options = (
        f"-c listen_addresses={'*' if namespace else '127.0.0.1'} -c port={port} -c unix_socket_directories={folder}"
    )
    inside = ["ip", "netns", "exec", namespace] if namespace else []
    control = [*inside, *as_user, str(programs / "pg_ctl"), "--pgdata", str(data)]
    try:
        _run([*as_user, str(programs / "initdb"), "--pgdata", str(data), *auth])
        if network:
            with (data / "pg_hba.conf").open("a", encoding="utf-8") as rights:
                rights.write(f"host all all {network} trust\n")
        log = str(folder / "log")
        _run([*control, "--wait", "--timeout", str(STARTS_WITHIN_S), "--log", log, "--options", options, "start"])
        try:
            yield PostgresServer(port, "127.0.0.1" if not network else network.replace(".0.0/16", ".0.2"))
        finally:
            _run([*control, "--mode", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


def _programs() -> Path:
    """Where Debian keeps the server's programs, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found:
        return found[-1]
    if (program := shutil.which("pg_ctl")) is None:
        raise RuntimeError("there is no PostgreSQL here; tests/system-packages.sh installs it")
    return Path(program).parent
