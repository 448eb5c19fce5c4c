"""What persons corrected of the records that a plan changes: a plan made of other values says what nobody wants now."""

import json

from integration.core.run import Run
from integration.runner.dependencies import Dependencies

CORRECTED = "corrected"  # the note of a plan with the marks of corrections, by record


def corrected_now(deps: Dependencies, flow: str) -> dict[str, str]:
    """Return the note of a preview that begins: the marks of all corrections of its flow.

    What is corrected while it reads counts as corrected since: which value it read nobody knows.
    """
    marks = deps.corrections.marks(flow)
    return {CORRECTED: json.dumps(marks)} if marks else {}


def corrected_in(deps: Dependencies, run: Run) -> str:
    """Return those of them that are of the records that its plan changes, as its note; empty without any."""
    marks = json.loads(run.notes.get(CORRECTED) or "{}")
    kept = deps.plans.accounts_for(run.id) & marks.keys() if marks else ()
    return json.dumps({key: marks[key] for key in sorted(kept)}) if kept else ""


def corrected_since(deps: Dependencies, run: Run) -> bool:
    """Tell whether a record of which a plan changes something has other corrections by now, or none any more."""
    if run.undo_of:
        return False
    then, now = json.loads(run.notes.get(CORRECTED) or "{}"), deps.corrections.marks(run.flow)
    others = {key for key in {*then, *now} if then.get(key) != now.get(key)}
    return bool(others) and not others.isdisjoint(deps.plans.accounts_for(run.id, chosen=True))
