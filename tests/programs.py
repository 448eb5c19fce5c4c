"""Programs of the console on sandbox systems, started in a new process or forked, which is faster."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pydantic import SecretStr

from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from integration.sandbox.server import Sandbox
from tests import command
from tests.forks import start_process
from tests.timeouts import SECONDS

ROOT = Path(__file__).parent.parent
COMPANY = "7f3c"


def environment(**settings: str) -> dict[str, str]:
    """Return an environment with only these settings of the console; their names have no CONSOLE_."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")}
    return {**others, **{f"CONSOLE_{name}": value for name, value in settings.items()}}


FAST = 100_000.0  # calls per second, so that tests never wait


def books_access(sandbox: Sandbox) -> AccountViewAccess:
    """Return the access settings of a console to the books of a sandbox."""
    return AccountViewAccess(
        url=sandbox.accountview_url, client_id=CLIENT_ID, client_secret=SecretStr(CLIENT_SECRET),
        refresh_token=SecretStr(REFRESH_TOKEN), company=COMPANY, per_second=FAST,
    )  # fmt: skip


def till_access(sandbox: Sandbox, pace: float = FAST) -> MplusAccess:
    """Return the access settings of a console to the till of a sandbox; `pace` is the limit of calls per second."""
    return MplusAccess(url=sandbox.mplus_url, ident="sandbox", secret=SecretStr("sandbox-secret"), per_second=pace)


def access(sandbox: Sandbox) -> dict[str, str]:
    """Return the settings that name both systems of a sandbox."""
    return {
        "ACCOUNTVIEW__URL": sandbox.accountview_url,
        "ACCOUNTVIEW__CLIENT_ID": CLIENT_ID,
        "ACCOUNTVIEW__CLIENT_SECRET": CLIENT_SECRET,
        "ACCOUNTVIEW__REFRESH_TOKEN": REFRESH_TOKEN,
        "ACCOUNTVIEW__COMPANY": COMPANY,
        "ACCOUNTVIEW__PER_SECOND": "100000",
        "MPLUS__URL": sandbox.mplus_url,
        "MPLUS__IDENT": "sandbox",
        "MPLUS__SECRET": "sandbox-secret",
        "MPLUS__PER_SECOND": "100000",
    }


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The standard output, read as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal with settings and a width in characters."""

    settings: Mapping[str, str]
    width: int = 100

    def __call__(self, *arguments: str, **settings: str) -> CommandResult:
        """Run a command to its end; `settings` override those of the terminal."""
        with TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            process = start_process(command.run, arguments, self._environment(settings), out, err)
            process.join(SECONDS)
            if process.exitcode is None:
                process.kill()
                process.join()
                pytest.fail(f"{arguments} takes too long")
            return CommandResult(process.exitcode, *(file.read_text(encoding="utf-8") for file in (out, err)))

    def run_new_process(self, *arguments: str, **settings: str) -> CommandResult:
        """Run a command in a new process, as an operator does; it imports everything and must end without a signal."""
        process = subprocess.run(
            [sys.executable, "-m", "integration", *arguments], cwd=ROOT, text=True, capture_output=True, check=False,
            env=self._environment(settings), timeout=SECONDS,
        )  # fmt: skip
        return CommandResult(process.returncode, process.stdout, process.stderr)

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        return {**environment(**{**self.settings, **settings}), "COLUMNS": str(self.width)}

    @contextmanager
    def running(self, *arguments: str, **settings: str) -> Iterator["subprocess.Popen[str]"]:
        """Run a command during the block and stop it at the end."""
        with program("integration", *arguments, settings={**self.settings, **settings}) as running:
            yield running


@contextmanager
def program(module: str, *arguments: str, settings: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run a Python module during the block and stop it at the end."""
    running = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(**settings),
    )  # fmt: skip
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()
            raise


def confirmations(run: Mapping[str, Any]) -> list[str]:
    """Return the arguments that confirm every brake of a plan."""
    return [text for brake in run["brakes"] for text in ("--confirm", f"{brake['code']}={brake['count']}")]
