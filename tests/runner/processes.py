"""Console processes that tests start and kill, and the contents of their databases, read from outside."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from integration.core.errors import IntegrationError
from integration.core.plan_lines import PlanRow
from integration.core.run import Run
from integration.core.states import ACTIVE
from integration.sandbox.server import Sandbox
from integration.store.database import Database, open_database
from integration.store.plans import PlanStore
from integration.store.runs import RunStore
from tests.clocks import now
from tests.forks import pipe, read_early_output, start_process
from tests.runner import child
from tests.stores import prepare
from tests.timeouts import SECONDS, wait_until

_opening = threading.Lock()  # migrations belong to the process, not to a thread


def access(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """Return the settings with which a console reaches both systems of a sandbox."""
    return {
        "accountview": {
            "url": sandbox.accountview_url, "client_id": "sandbox-client", "client_secret": "sandbox-secret",
            "refresh_token": "sandbox-refresh", "company": "7f3c", "per_second": 10_000,
        },
        "mplus": {"url": sandbox.mplus_url, "ident": "sandbox", "secret": "sandbox-secret", "per_second": 10_000},
        **more,
    }  # fmt: skip


class Console:
    """A console process with its own folder and a sandbox; it finishes one run without further commands."""

    def __init__(self, sandbox: Sandbox, folder: Path, **settings: Any) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.settings = settings
        self.process: ForkServerProcess | None = None

    def start(self) -> None:
        """Start the process, for the first time or again."""
        self._prepare()
        self.process = start_process(child.bring_to_an_end, self.folder, access(self.sandbox, **self.settings))

    def _prepare(self) -> None:
        if "database_url" not in self.settings:
            prepare(self.folder / "console.sqlite")

    def kill(self) -> None:
        """Kill the process with SIGKILL, and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.join()

    def ends(self, seconds: float = SECONDS) -> None:
        """Wait until the process has ended well."""
        assert self.process is not None
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.kill()
        assert self.process.exitcode == 0, f"ended with {self.process.exitcode}: {self.read_output()}"

    def read_output(self) -> str:
        """Return the end of the output of the process."""
        own = self.folder / "said"
        output = own.read_text(encoding="utf-8") if own.exists() else ""
        return "\n".join(text[-6000:] for text in (output, read_early_output()))

    @property
    def url(self) -> str:
        """The address of its operational database."""
        database_url = self.settings.get("database_url")
        return str(database_url) if database_url else f"sqlite:///{self.folder / 'console.sqlite'}"


class CommandedConsole(Console):
    """A console process that carries out requests of a test; `executor` is server or worker."""

    def __init__(self, sandbox: Sandbox, folder: Path, *, executor: str = "server", **settings: Any) -> None:
        super().__init__(sandbox, folder, **settings)
        self.executor = executor
        self._command_pipe, self._child_pipe = pipe()

    def start(self) -> None:
        """Start the process, for the first time or again."""
        self._prepare()
        self._command_pipe, self._child_pipe = pipe()
        settings = access(self.sandbox, **self.settings)
        self.process = start_process(child.execute_orders, self.folder, settings, self.executor, self._child_pipe)
        self._child_pipe.close()

    def ask(self, name: str, *arguments: object) -> Any:
        """Call a method of the application by name; return its result, or raise its error."""
        self._command_pipe.send((name, arguments))
        if not self._command_pipe.poll(SECONDS):
            raise TimeoutError(self.read_output())
        answer = self._command_pipe.recv()
        if isinstance(answer, IntegrationError):
            raise answer
        return answer

    def rests(self, run_id: str, seconds: float = SECONDS) -> Run:
        """Wait until a run is no longer at work, and return it."""
        wait_until(lambda: self.ask("runs.get", run_id).state not in ACTIVE, f"the end of {run_id}", seconds, pause=0.1)
        run = self.ask("runs.get", run_id)
        assert isinstance(run, Run)
        return run

    def stop(self) -> None:
        """Ask the process to end, and wait until it has ended."""
        if self.process is not None and self.process.is_alive():
            self._command_pipe.send(None)
            self.ends()


class Ledger:
    """The records of a flow in the database of a console, read beside the console."""

    def __init__(self, database: Database, flow: str) -> None:
        self.database = database
        self.flow = flow
        self.runs = RunStore(database, now)
        self.plans = PlanStore(database)

    def run(self) -> Run | None:
        """Return the newest run, or None."""
        return next(iter(self.runs.latest(self.flow, limit=1)), None)

    def changes(self) -> Sequence[PlanRow]:
        """Return the changes of the newest run's plan."""
        run = self.run()
        return self.plans.rows(run.id, "changes", limit=10_000) if run else []


@contextmanager
def looking_at(console: Console, flow: str = "products") -> Iterator[Ledger]:
    """Keep a lock on the database of a console."""
    console.folder.mkdir(parents=True, exist_ok=True)
    with _opening:
        database = open_database(console.url)
    try:
        yield Ledger(database, flow)
    finally:
        database.close()


def with_a_bug(folder: Path, *, while_writing: bool) -> None:
    """Run a flow with a defect in a process of its own, and wait until it has ended well."""
    process = start_process(child.meet_a_bug, folder, while_writing=while_writing)
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == 0, (folder / "said").read_text(encoding="utf-8")
