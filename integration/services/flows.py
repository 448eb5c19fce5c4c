"""What the pages that arrange a flow ask for: its next run, what its filters take in, its numbers for a monitor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from integration.core.flow import Stage
from integration.core.issues import Skip
from integration.core.records import Record
from integration.core.rules import Mapping as RuleMapping
from integration.flows.spec import FlowLogic

NIGHTLY = (2, 17, 30)  # hour, minute, second of the till's wall clock: when nobody sells
MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Published:
    """The mapping of a flow that is in force: number, rules, and who published it with which note."""

    version: int
    mapping: RuleMapping
    by: str
    note: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Sifted:
    """What takes part in a flow and what does not: numbers, and of those left out the first with title and reason."""

    taken: int
    left_out: int
    shown: tuple[tuple[str, Skip], ...]


def crons(minutes: int, *, nightly: bool) -> list[str]:
    """Return when a flow runs as cron lines with seconds first: every so many minutes, and once a night."""
    hour, minute, second = NIGHTLY
    return [f"0 */{minutes} * * * *", *([f"{second} {minute} {hour} * * *"] if nightly else [])]


def next_time(minutes: int, now: datetime, zone: ZoneInfo, *, nightly: bool) -> datetime:
    """Return when a flow runs next, as `crons` has it, in UTC."""
    here = now.astimezone(zone)
    coming = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    while coming.astimezone(zone).minute % minutes:
        coming += timedelta(minutes=1)
    if not nightly:
        return coming
    hour, minute, second = NIGHTLY
    night = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if night <= here:
        night += timedelta(days=1)
    return min(coming, night.astimezone(UTC))


def sift(logic: FlowLogic, stage: Stage, pages: Iterable[Sequence[Record]]) -> Sifted:
    """Return what a flow would take in of the records of its source, read page by page."""
    taken = left_out = 0
    shown: list[tuple[str, Skip]] = []
    for records in pages:
        for staged in logic.stage(stage, records):
            if staged.skip is None:
                taken += 1
                continue
            left_out += 1
            if len(shown) < MOST_SHOWN:
                shown.append((staged.title, staged.skip))
    return Sifted(taken, left_out, tuple(shown))


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number for a monitor, in each of its forms: the labels of a form as text, then the number."""

    name: str
    about: str
    values: Mapping[str, float]


def exposition(gauges: Sequence[Gauge]) -> str:
    """Return gauges as Prometheus reads them.

    Source: text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    lines = []
    for gauge in gauges:
        lines += [f"# HELP {gauge.name} {gauge.about}", f"# TYPE {gauge.name} gauge"]
        lines += [
            f"{gauge.name}{f'{{{labels}}}' if labels else ''} {value:g}" for labels, value in gauge.values.items()
        ]
    return "\n".join([*lines, ""])
