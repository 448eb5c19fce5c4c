"""The flows: values that say what goes from where to where, and what the runner may ask about each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, Skip
from integration.core.plan import Limits, Policy
from integration.core.records import Held, Kind, Record
from integration.core.rules import Trace
from integration.core.run import Link, Staged

FLOWS = {
    flow.name: flow
    for flow in (
        Flow(
            "products",
            "accountview",
            "mplus",
            (Stage(Kind.GROUP, Kind.GROUP, counted=False), Stage(Kind.ARTICLE, Kind.PRODUCT)),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Shaped:
    """What the records of one parent become: one record of the target, and those of them that take no part."""

    desired: Record | None
    title: str
    group: str = ""
    parked: tuple[Issue, ...] = ()
    skipped: tuple[Skip, ...] = ()


class FlowLogic(Protocol):
    """What is particular to a flow. Pure: nothing here speaks to a system or a database."""

    flow: Flow
    policy: Policy
    limits: Limits
    prices: frozenset[str]
    mapping_version: int
    retires: bool

    def stage(self, stage: int, records: Sequence[Record]) -> list[Staged]:
        """Filter, map and check each record alone."""

    def shape(
        self,
        stage: int,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> Shaped:
        """Make one record of the target of the records of one parent.

        `duplicates` and `marks` are numbers and marks that several records share, with those records' keys.
        """

    def objection(self, stage: int, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return why what the target holds must not be touched."""

    def fitting(self, stage: int, desired: Record, held: Held | None) -> Record | Skip:
        """Return the part of a record that may be created or updated now."""

    def trace(self, stage: int, record: Record) -> list[Trace]:
        """Return how each value of a record comes about."""
