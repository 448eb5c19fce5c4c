"""What was sent, and nobody knows whether the target has it: never sent again before a look or a person says so."""

from collections.abc import Mapping, Sequence

from integration.core.flow import Flow, Stage
from integration.core.issues import Issue
from integration.core.records import Held, Record
from integration.core.run import PlanRow, Run, Step
from integration.runner.parts import Parts

MOST_UNANSWERED = 4  # records sent alone, one after the other, before a person is asked


def in_doubt(
    parts: Parts, run: Run, flow: Flow, stage: Stage, desired: Sequence[Record], held: Mapping[str, Held]
) -> dict[str, Issue]:
    """Return an issue for each record that another run sent and that the look does not show.

    What the look does show is kept as proven where it was in doubt.
    """
    doubts = parts.ledger.doubts(run.id, flow.name, stage.target, [record.key for record in desired])
    found: dict[str, Issue] = {}
    for row in parts.ledger.settle_doubts(doubts, held):
        cause = "read_back_missing" if row.accepted else "never_answered"
        found[row.key] = Issue(cause, row.key, facts=doubt_facts(flow.name, flow.target, row))
    return found


def may_try_another(doubts: Sequence[PlanRow], run: Run) -> bool:
    """Tell whether one more record may be sent to find out whether looks see: while none of a few was answered."""
    unanswered = [row for row in doubts if row.run == run.id and row.step is Step.IN_DOUBT and not row.accepted]
    return 0 < len(unanswered) == len(doubts) < MOST_UNANSWERED


def doubt_facts(flow: str, system: str, row: PlanRow) -> dict[str, str]:
    """Return what a person needs to know to find what was sent: under which reference, and which number was told."""
    values = row.change.wanted.values if row.change else {}
    reference = str(values.get("reference") or values.get("external_id") or values.get("number") or row.title)
    facts = {"key": row.title, "system": system, "flow": flow, "reference": reference}
    facts |= {"number": row.reference} if row.reference else {}
    return facts | ({"since": row.sent_at.isoformat()} if row.sent_at else {})
