"""What a series of trials is asked for, and what came of it so far, as its process keeps it on file."""

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
SAFEGUARDS = ("fencing", "look", "ledger")
HAZARDS = (
    "kill", "suspend", "cut_before", "cut_after", "half", "garbage", "delay", "too_many", "unavailable", "late",
    "error_answer", "full_disk", "clock",
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
class OperatorSettings:
    """What the operator has made of the flows: settings and published mappings by flow, and the value tables.

    What is tried `further` than it is set: more of what is shipped, and what changes at the till after it was booked.
    """

    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    further: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that the process of a series is told."""

    series: Series
    mine: OperatorSettings


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
