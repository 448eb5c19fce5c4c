"""The flows there are, and what each has to say about its records that the others would say differently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, Skip
from integration.core.plan import Limits, Policy
from integration.core.records import Held, Kind, Record
from integration.core.rules import Trace
from integration.core.run import Link, Staged

FLOWS: Mapping[str, Flow] = {
    "products": Flow(
        "products",
        source="accountview",
        target="mplus",
        stages=(Stage(Kind.GROUP, Kind.GROUP, counted=False), Stage(Kind.ARTICLE, Kind.PRODUCT)),
    ),
}


@dataclass(frozen=True, slots=True)
class Shaped:
    """What the members of one parent come to: one record the target should have, and who is not in it and why.

    Every member is in a part of `desired`, in `parked` or in `skipped`, and in one of them only.
    """

    desired: Record | None
    title: str
    group: str = ""
    parked: tuple[Issue, ...] = ()
    skipped: tuple[Skip, ...] = ()


class FlowLogic(Protocol):
    """What is particular to a flow. Nothing here reads or writes a system."""

    @property
    def flow(self) -> Flow:
        """Return the flow."""

    @property
    def policy(self) -> Policy:
        """Return who owns which target field."""

    @property
    def limits(self) -> Limits:
        """Return when a plan stops for a typed confirmation."""

    @property
    def prices(self) -> frozenset[str]:
        """Return the names of the fields whose jumps the price brake counts."""

    @property
    def mapping_version(self) -> int:
        """Return the version of the mapping in use."""

    @property
    def retires(self) -> bool:
        """Tell whether what vanished from the source is proposed for retirement."""

    def stage(self, stage: int, records: Sequence[Record]) -> list[Staged]:
        """Return each record mapped and checked by itself, in the order given."""

    def shape(
        self,
        stage: int,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> Shaped:
        """Return what the members of one parent come to.

        `duplicates` and `marks` hold, for every number and mark that more than one record has, the keys of those.
        """

    def objection(self, stage: int, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return why the record the target holds is not the one meant, or None."""

    def fitting(self, stage: int, desired: Record, held: Held | None) -> Record | Skip:
        """Return what of the desired record may be created or updated now, with all its parts; or why nothing."""

    def trace(self, stage: int, record: Record) -> list[Trace]:
        """Return for every target field how it came to its value from this source record."""
