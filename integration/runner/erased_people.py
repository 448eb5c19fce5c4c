"""Keeps records of erased persons out of a run before any of their data is stored."""

from collections.abc import Sequence

from integration.core.erasure import customer_of
from integration.core.issues import Issue, Skip
from integration.core.records import Record
from integration.core.rules import as_text
from integration.core.staged_records import StagedRecord
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies

CAUSE = "person_erased"


def without_erased(
    deps: Dependencies, logic: FlowLogic, records: Sequence[Record]
) -> tuple[list[Record], list[StagedRecord]]:
    """Return the remaining records, and placeholders for the records of erased persons.

    A customer or a booked document is skipped. A document that is not booked yet is parked, because it represents
    money.
    """
    numbers = {record.key: number for record in records if (number := customer_of(record)) is not None}
    erased = deps.erased.excluded_numbers(list(numbers.values())) if numbers else ()
    if not erased:
        return list(records), []
    out = [record for record in records if numbers.get(record.key) in erased]
    flow, keys = logic.flow, [record.key for record in out]
    booked = {key for stage in flow.stages for key in deps.links.get(flow.name, stage.target, keys)}
    placeholders = [_placeholder(record, numbers[record.key], is_booked=record.key in booked) for record in out]
    return [record for record in records if numbers.get(record.key) not in erased], placeholders


def _placeholder(record: Record, number: tuple[str, str], *, is_booked: bool) -> StagedRecord:
    key, (number_type, customer_number) = record.key, number
    title = as_text(record.values.get("number")).strip() or key
    facts = {"key": title if number_type == "relation" else key, "number": customer_number}
    if number_type == "debtor" or is_booked:
        return StagedRecord(key, key, title, skip=Skip(CAUSE, key, facts))
    return StagedRecord(key, key, title, issue=Issue("document_of_erased", key, facts=facts))
