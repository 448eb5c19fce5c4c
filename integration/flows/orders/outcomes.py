"""What one document of the till comes to in a stage, under the number that people know it by."""

from dataclasses import replace
from decimal import Decimal

from integration.core.issues import Issue, Skip
from integration.core.records import Record
from integration.core.rules import as_text
from integration.core.staged import Staged
from integration.flows.settings import RecordRejected


def staged(
    document: Record, record: Record | None = None, *, issue: Issue | None = None, skip: Skip | None = None
) -> Staged:
    """Return what a document comes to: a record, or why there is none."""
    return Staged(document.key, document.key, document_title(document), record=record, issue=issue, skip=skip)


def document_title(document: Record) -> str:
    """Return the number people know a document by."""
    return as_text(document.values.get("number")).strip() or document.key


def document_issue(parked: RecordRejected, document: Record) -> Issue:
    """Return why a document waits, with what it comes to."""
    issue = parked.issue(document.key)
    return replace(issue, facts={**issue.facts, "key": document_title(document), **sold(document)})


def sold(document: Record) -> dict[str, str]:
    """Return what a document comes to, as its issue carries it: how much waits is what makes a cause urgent."""
    total = document.values.get("total_incl")
    return {"sold": as_text(total)} if isinstance(total, Decimal) else {}
