"""The fault lab: the operator's flows on systems of their own, under faults that a seed decides, and what came of it.

The work is done by a process beside the console, which keeps how far it is on file: a page that is closed, or another
one, finds it there. It never touches what the operator has.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from integration.core.errors import RunActiveError
from integration.flows.registry import Specs
from integration.shipped import PROGRAM
from integration.store.stores import Stores
from integration.surroundings import bare

FOLDER = "lab"
REPORT = "report.json"
SILENT_SECONDS = 30.0  # after which whoever wrote the report is no longer at work
STOP_SECONDS = 20.0
USUAL_TRIALS = 40
SEEDS = 1_000_000
SAFEGUARDS = ("fencing", "look", "ledger")
HAZARDS = (
    "kill", "suspend", "cut_before", "cut_after", "half", "garbage", "delay", "too_many", "unavailable", "late",
    "full_disk", "clock",
)  # fmt: skip

State = Literal["running", "done", "stopped"]
Own = Literal["mine", "shipped"]


@dataclass(frozen=True, slots=True)
class Series:
    """Trials that somebody asks for: how many, of which flows, from which seed on.

    Trial by trial the seed is one more, and decides everything about it. `without` names a safeguard that is switched
    off to see the harm, `hazards` the only ones to meet; none means all.
    """

    flows: tuple[str, ...]
    trials: int = USUAL_TRIALS
    seed: int = 1
    mapping: Own = "mine"
    databases: tuple[str, ...] = ("sqlite",)
    without: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    at_once: int = 2

    def shown(self) -> "Series":
        """Return it without what is secret in it."""
        return replace(self, databases=tuple(address_without_login(one) for one in self.databases))


def address_without_login(database: str) -> str:
    """Return the address of a database without who knocks there."""
    scheme, _, rest = database.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else database


@dataclass(frozen=True, slots=True)
class Mine:
    """What the operator has made of the flows: settings and published mappings by flow, and the value tables.

    What is tried `further` than it is set: more of what is shipped, and what changes at the till after it was booked.
    """

    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    further: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that the process beside the console is told."""

    series: Series
    mine: Mine


@dataclass(frozen=True, slots=True)
class Harm:
    """What went wrong in trials; `parked` counts what was a question for a person, which is no harm."""

    doubled: int = 0
    lost: int = 0
    cents: Decimal = Decimal(0)
    altered: int = 0  # records with other fields than after a calm run
    unaccounted: int = 0  # runs that do not add up, changes without their one event, and defects
    stuck: int = 0
    parked: int = 0

    @property
    def is_none(self) -> bool:
        """Tell whether nothing went wrong."""
        return self == Harm(parked=self.parked)

    def __add__(self, other: "Harm") -> "Harm":
        """Return both together."""
        return Harm(**{name: getattr(self, name) + getattr(other, name) for name in Harm.__slots__})


@dataclass(frozen=True, slots=True)
class HazardLine:
    """One hazard: in how many trials it was to strike, how often it really bit, and what came of these trials."""

    hazard: str
    trials: int = 0
    bit: int = 0
    harm: Harm = Harm()
    unable: str = ""  # the key of the sentence why it could not strike, where it could not


@dataclass(frozen=True, slots=True)
class Violation:
    """A trial in which something went wrong, and the command that repeats it."""

    seed: int
    flow: str
    database: str
    hazards: tuple[str, ...]
    harm: Harm
    told: tuple[str, ...]
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """How far a series is, and what came of it so far."""

    series: Series
    began_at: datetime
    state: State = "running"
    done: int = 0
    seconds: float = 0.0  # that a trial took, on average
    lines: tuple[HazardLine, ...] = ()
    violations: tuple[Violation, ...] = ()
    idle: tuple[str, ...] = ()  # flows that have nothing to write here
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> Harm:
        """Return the harm of all trials together."""
        return sum((one.harm for one in self.violations), Harm())


WANTED = TypeAdapter(Wanted)
_REPORT = TypeAdapter(Report)


def keep_report(report: Report, folder: Path) -> None:
    """Put a report on file, whole or not at all."""
    file = folder / REPORT
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(_REPORT.dump_json(report))
    fresh.replace(file)


def kept_report(folder: Path) -> Report | None:
    """Return the report on file, or None where none is that this version can read."""
    try:
        return _REPORT.validate_json((folder / REPORT).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


class Lab:
    """Begins a series of trials beside the console, and tells how far it is."""

    def __init__(self, data: Path, flows: Specs, stores: Stores, *, closing: ExitStack) -> None:
        """`closing` ends what this process began."""
        self.folder = (data / FOLDER).absolute()
        self._flows = flows
        self._stores = stores
        self._process: subprocess.Popen[bytes] | None = None
        closing.callback(self.stop)

    def report(self) -> Report | None:
        """Return what came of the newest series so far; one whose process is gone was stopped."""
        found = kept_report(self.folder)
        if found is not None and found.state == "running" and not self._is_fresh():
            return replace(found, state="stopped")
        return found

    def is_at_work(self) -> bool:
        """Tell whether a series is at work, in whichever process it was begun."""
        found = self.report()
        return found is not None and found.state == "running"

    def begin(self, series: Series) -> None:
        """Begin a series. Raises RunActiveError `lab_at_work` while another one is at work."""
        if self.is_at_work():
            raise RunActiveError("lab_at_work")
        self.folder.mkdir(parents=True, exist_ok=True)
        keep_report(Report(series.shown(), datetime.now(UTC)), self.folder)
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "integration.lab", str(self.folder)],
            cwd=PROGRAM, env=bare(), stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        mine = self.mine() if series.mapping == "mine" else Mine()
        told = self._process.stdin
        if told is not None:
            with suppress(BrokenPipeError), told:  # else it did not come that far, and the report says no more
                told.write(WANTED.dump_json(Wanted(series, mine)))

    def is_ours(self) -> bool:
        """Tell whether the series at work was begun by this process, which can stop it."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the series that this process began; what is done of it stays."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def mine(self) -> Mine:
        """Return what the operator has made of the flows, as far as it means something to the built-in systems.

        Codes of real systems mean nothing there: of those, only what was last set for the built-in ones is taken.
        """
        stored, rules = self._stores.settings, self._stores.rules
        here = (stored.get("tables") or {"of": "real"})["of"] == "sandbox"
        names = {flow: f"flow:{flow}" if here else f"flow:{flow}:sandbox" for flow in self._flows}
        tables = rules.tables() if here else stored.get("tables:sandbox") or {}
        settings = {flow: stored.get(name) or {} for flow, name in names.items()}
        found = {flow: rules.published(flow) for flow in self._flows}
        return Mine(settings, {flow: one[1] for flow, one in found.items() if one}, tables)

    def _is_fresh(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            return False
        try:
            return time.time() - (self.folder / REPORT).stat().st_mtime < SILENT_SECONDS
        except FileNotFoundError:
            return False
