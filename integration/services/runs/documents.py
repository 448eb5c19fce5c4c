"""Booked documents: compares both sides, and books reversed documents again."""

from collections.abc import Sequence

from integration.core.authorization import requires
from integration.core.booking_comparison import DocumentVersions
from integration.core.people import Actor, Right
from integration.core.plan_lines import PlanRow
from integration.core.records import Correction, Kind
from integration.flows.deciding import AGAIN, DecisionSubject, decision_text
from integration.services.mappings.mappings import Logics
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.corrections import Corrections


class Documents:
    """Queries and decisions about documents that are in the books."""

    def __init__(self, corrections: Corrections, logics: Logics, access: ConnectorFactory) -> None:
        self._corrections = corrections
        self._logics = logics
        self._access = access

    @requires(Right.SEE)
    def document_versions(self, flow: str, key: str) -> DocumentVersions | None:
        """Return a document as it was booked, with the booking that would be made now.

        Returns None if it is not booked, or the source no longer has it. Raises IntegrationError if the source is
        unreachable.
        """
        logic = self._logics.current_logic(flow)
        for stage in logic.flow.counted_stages:
            records = self._access.connector(logic.flow.source).fetch(stage.source, [key]) if stage.write_once else ()
            if records:
                return logic.compare_booking(records[0])
        return None

    @requires(Right.REPAIR)
    def book_again(self, flow: str, rows: Sequence[PlanRow], by: Actor) -> list[str]:
        """Store the decision to book reversed documents again, for these lines of a plan.

        Returns the keys of the documents. Lines without a mark cannot be booked again and are left out.
        """
        marked = [row for row in rows if row.facts.get("mark") and row.facts.get("source")]
        corrections = [
            Correction(
                Kind.stored(row.facts["source"]),
                row.key,
                DecisionSubject.CHANGE,
                None,
                decision_text(AGAIN, row.facts["mark"], ""),
                row.title,
                by.ref,
            )
            for row in marked
        ]
        self._corrections.keep(flow, corrections, by.ref)
        return [row.key for row in marked]
