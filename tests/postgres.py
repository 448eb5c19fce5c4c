"""A PostgreSQL server for tests: the server of TEST_POSTGRES_URL, or a private one that ends with the tests.

Import `postgres_server` and `postgres_url` into a conftest to have them as fixtures.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.servers import free_port

HOW_TO_GET_IT = "no PostgreSQL: apt install postgresql, or set TEST_POSTGRES_URL to a server that may make databases"
_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


ATTEMPTS = 3


def _program_folder() -> Path | None:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if programs:
        return programs[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _postgres_command(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def _run(*command: str) -> None:
    subprocess.run(_postgres_command(*command), check=True, stdout=subprocess.DEVNULL, cwd="/")


def _start_server(control: tuple[str, ...], folder: Path) -> int:
    """Start the server and return its port; another program may take a free port before we do."""
    for attempt in range(ATTEMPTS):
        port = free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 {_QUICK}"
        try:
            _run(*control, "-w", "-t", "60", "-o", options, "start")
        except subprocess.CalledProcessError:
            if attempt == ATTEMPTS - 1:
                raise RuntimeError((folder / "log").read_text(encoding="utf-8")[-2000:]) from None
        else:
            return port
    raise AssertionError


@contextmanager
def private_server() -> Iterator[str]:
    """Run a server during the block and yield its address. Raises LookupError if PostgreSQL is not installed."""
    programs = _program_folder()
    if programs is None:
        raise LookupError(HOW_TO_GET_IT)
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.geteuid() == 0:
        postgres = pwd.getpwnam("postgres")
        os.chown(folder, postgres.pw_uid, postgres.pw_gid)
    data = folder / "data"
    try:
        _run(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        control = (str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"))
        port = _start_server(control, folder)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            _run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server, without the name of a database."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url.rsplit("/", 1)[0] if url.count("/") > 2 else url
        return
    if _program_folder() is None:
        pytest.skip(HOW_TO_GET_IT)
    with private_server() as server:
        yield server


@contextmanager
def new_database_on(server: str) -> Iterator[str]:
    """Yield the address of a new, empty database, which is removed after the block."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a new, empty database."""
    with new_database_on(postgres_server) as url:
        yield url
