"""Results of one document in a stage, titled with the number that people know."""

from dataclasses import replace
from decimal import Decimal

from integration.core.issues import Issue, Skip
from integration.core.records import Record
from integration.core.rules import as_text
from integration.core.staged_records import StagedRecord
from integration.flows.settings import RecordRejected


def staged(
    document: Record, record: Record | None = None, *, issue: Issue | None = None, skip: Skip | None = None
) -> StagedRecord:
    """Return the result of a document: a record, or the reason why there is none."""
    return StagedRecord(document.key, document.key, document_title(document), record=record, issue=issue, skip=skip)


def document_title(document: Record) -> str:
    """Return the document number that people know."""
    return as_text(document.values.get("number")).strip() or document.key


def document_issue(parked: RecordRejected, document: Record) -> Issue:
    """Return the issue of a parked document, with its total."""
    issue = parked.issue(document.key)
    return replace(issue, facts={**issue.facts, "key": document_title(document), **total_fact(document)})


def total_fact(document: Record) -> dict[str, str]:
    """Return the document total as a fact of its issue, which determines the urgency of the cause."""
    total = document.values.get("total_incl")
    return {"sold": as_text(total)} if isinstance(total, Decimal) else {}
