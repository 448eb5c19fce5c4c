"""Definition of a series of trials, and its report, which the process of the series stores in a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

FOLDER = "lab"
REPORT = "report.json"
USUAL_TRIALS = 40
SEEDS = 1_000_000
HAZARDS = (
    "kill", "suspend", "cut_before", "cut_after", "half", "garbage", "delay", "too_many", "unavailable", "late",
    "error_answer", "full_disk", "clock",
)  # fmt: skip

State = Literal["running", "done", "stopped"]
Own = Literal["own", "shipped"]


@dataclass(frozen=True, slots=True)
class Series:
    """Requested trials: how many, of which flows, and from which seed.

    The seed increases by one with each trial and decides everything about it. `hazards` limits the hazards; empty means
    all.
    """

    flows: tuple[str, ...]
    trials: int = USUAL_TRIALS
    seed: int = 1
    mapping: Own = "own"
    databases: tuple[str, ...] = ("sqlite",)
    hazards: tuple[str, ...] = ()
    at_once: int = 2

    def without_secrets(self) -> "Series":
        return replace(self, databases=tuple(address_without_login(address) for address in self.databases))


def address_without_login(database: str) -> str:
    """Return the URL of a database without its credentials."""
    scheme, _, rest = database.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else database


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """The operator's settings and published mappings, by flow, and the value tables.

    With `further`, trials go beyond these settings: they use more of the shipped variants, and change documents in the
    till after they were booked.
    """

    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    further: bool = True


@dataclass(frozen=True, slots=True)
class SeriesInput:
    """Input of the process that runs a series."""

    series: Series
    own_settings: OperatorSettings


@dataclass(frozen=True, slots=True)
class Harm:
    """Harm found in trials. `parked` counts questions for a person, which are not harm."""

    doubled: int = 0
    lost: int = 0
    cents: Decimal = Decimal(0)
    altered: int = 0  # records whose fields differ from the baseline
    unaccounted: int = 0  # runs whose counts do not add up, changes without exactly one event, and defects
    stuck: int = 0
    parked: int = 0

    @property
    def is_none(self) -> bool:
        """Return True if nothing went wrong."""
        return self == Harm(parked=self.parked)

    def __add__(self, other: "Harm") -> "Harm":
        """Return the sum of both."""
        return Harm(**{name: getattr(self, name) + getattr(other, name) for name in Harm.__slots__})


@dataclass(frozen=True, slots=True)
class HazardLine:
    """Result of one hazard: in how many trials it was planned, how often it took effect, and the harm in them."""

    hazard: str
    trials: int = 0
    hits: int = 0
    harm: Harm = Harm()
    unable: str = ""  # key of the text that says why it cannot take effect here


@dataclass(frozen=True, slots=True)
class Violation:
    """A trial in which something went wrong, and the command that repeats it."""

    seed: int
    flow: str
    database: str
    hazards: tuple[str, ...]
    harm: Harm
    messages: tuple[str, ...]
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """Progress and results of a series."""

    series: Series
    started_at: datetime
    state: State = "running"
    done_count: int = 0
    seconds: float = 0.0  # average duration of a trial
    lines: tuple[HazardLine, ...] = ()
    violations: tuple[Violation, ...] = ()
    idle: tuple[str, ...] = ()  # flows with nothing to write
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> Harm:
        """Return the harm of all trials together."""
        return sum((violation.harm for violation in self.violations), Harm())


SERIES_INPUT = TypeAdapter(SeriesInput)
_REPORT = TypeAdapter(Report)


def keep_report(report: Report, folder: Path) -> None:
    """Store a report in its file, atomically."""
    file = folder / REPORT
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(_REPORT.dump_json(report))
    fresh.replace(file)


def kept_report(folder: Path) -> Report | None:
    """Return the stored report, or None if there is none that this version can read."""
    try:
        return _REPORT.validate_json((folder / REPORT).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
