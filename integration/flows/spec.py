"""The flows there are, and what each has to say about its records that the others would say differently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from integration.core.flow import Flow, Stage, Unique
from integration.core.issues import Issue, Skip
from integration.core.plan import Change, Limits, Policy
from integration.core.records import Held, Kind, Record
from integration.core.rules import Trace
from integration.core.run import Link, Staged


def documents(source: Kind, target: Kind) -> Flow:
    """Return the flow of the till's documents of one kind to documents of one kind in the books."""
    return Flow(
        "orders",
        source="mplus",
        target="accountview",
        stages=(
            Stage(source, Kind.DEBTOR, counted=False, derived=True, grouped_by="branch"),
            Stage(
                source, Kind.ADDRESS, counted=False, derived=True, needs={"debtor": Kind.DEBTOR}, grouped_by="branch"
            ),
            Stage(
                source, target, once=True, needs={"debtor": Kind.DEBTOR, "address": Kind.ADDRESS}, grouped_by="branch"
            ),
        ),
    )


FLOWS: Mapping[str, Flow] = {
    "products": Flow(
        "products",
        source="accountview",
        target="mplus",
        stages=(
            Stage(Kind.GROUP, Kind.GROUP, counted=False, needs={"parent": Kind.GROUP}),
            Stage(Kind.ARTICLE, Kind.PRODUCT, grouped_by="group", unique=(Unique.NUMBER, Unique.MARK)),
        ),
    ),
    "stock": Flow(
        "stock",
        source="accountview",
        target="mplus",
        stages=(Stage(Kind.ARTICLE, Kind.STOCK, grouped_by="group", unique=(Unique.NUMBER,)),),
        by_changes=False,  # nothing says that a movement of stock changes the article's stamp
    ),
    "customers": Flow(
        "customers",
        source="accountview",
        target="mplus",
        stages=(Stage(Kind.DEBTOR, Kind.RELATION, grouped_by="country", unique=(Unique.NUMBER, Unique.MARK)),),
    ),
    "orders": documents(Kind.ORDER, Kind.SALES_ORDER),
}


@dataclass(frozen=True, slots=True)
class Shaped:
    """What the members of one parent come to: one record the target should have, and who is not in it and why.

    Every member is in a part of `desired`, in `parked` or in `skipped`, and in one of them only. `members` are the keys
    of the documents a derived record comes out of.
    """

    desired: Record | None
    title: str
    group: str = ""
    parked: tuple[Issue, ...] = ()
    skipped: tuple[Skip, ...] = ()
    members: tuple[str, ...] = ()


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

    def watched(self, change: Change) -> tuple[str, ...]:
        """Return the codes of the brakes that count this change by itself: brake_price, brake_stock_zero, ..."""

    @property
    def mapping_version(self) -> int:
        """Return the version of the mapping in use."""

    @property
    def retires(self) -> bool:
        """Tell whether what vanished from the source is proposed for retirement."""

    @property
    def most(self) -> int | None:
        """Return how many records one run reads at most, or None."""

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[Staged]:
        """Return each record mapped and checked by itself, in the order given."""

    def shape(
        self,
        stage: Stage,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> Shaped:
        """Return what the members of one parent come to.

        `duplicates` and `marks` hold the numbers and marks that are unique in the stage and that more than one record
        has, with the keys of those.
        """

    def objection(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return why the record the target holds is not the one meant, or None."""

    def fitting(self, stage: Stage, desired: Record, held: Held | None) -> Record | Skip:
        """Return what of the desired record may be created or updated now, with all its parts; or why nothing."""

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip:
        """Return what undoes a create, or why it stays: what somebody may use by now is never deleted."""

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return for every target field how it came to its value from this source record."""
