"""Detects corrections that persons changed after a plan was made, so that an outdated plan is not written."""

import json

from integration.core.run import Run
from integration.runner.dependencies import Dependencies

CORRECTION_MARKS_NOTE = "corrected"  # note of a plan: the marks of corrections, by record


def corrected_now(deps: Dependencies, flow: str) -> dict[str, str]:
    """Return the note of a new preview: the marks of all corrections of its flow.

    A correction made while the preview reads counts as made afterwards, because it is unknown which value the preview
    read.
    """
    marks = deps.corrections.marks(flow)
    return {CORRECTION_MARKS_NOTE: json.dumps(marks)} if marks else {}


def corrected_in(deps: Dependencies, run: Run) -> str:
    """Return the note of a finished plan: the marks of corrections of records that it changes; empty without any."""
    marks = json.loads(run.notes.get(CORRECTION_MARKS_NOTE) or "{}")
    keys = deps.plans.covered_keys(run.id) & marks.keys() if marks else ()
    return json.dumps({key: marks[key] for key in sorted(keys)}) if keys else ""


def corrected_since(deps: Dependencies, run: Run) -> bool:
    """Return True if the corrections of a record that the plan changes were added, changed or removed since."""
    if run.undo_of:
        return False
    then, now = json.loads(run.notes.get(CORRECTION_MARKS_NOTE) or "{}"), deps.corrections.marks(run.flow)
    others = {key for key in {*then, *now} if then.get(key) != now.get(key)}
    return bool(others) and not others.isdisjoint(deps.plans.covered_keys(run.id, chosen=True))
