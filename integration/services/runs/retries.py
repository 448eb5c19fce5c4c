"""Stores which cause a retry run was started for, so that its result can be shown on that cause."""

import json
from datetime import datetime

from integration.core.issues import CauseGroup
from integration.core.run import Mode, Run

_RETRY_NOTE = "tried"


def retry_note(group: CauseGroup) -> dict[str, str]:
    """Return the note, for a run, of the cause that it retries."""
    note = {
        "cause": group.cause, "field": group.field, "detail": group.detail, "facts": dict(group.facts),
        "count": group.count, "first_seen": group.first_seen.isoformat(),
    }  # fmt: skip
    return {_RETRY_NOTE: json.dumps(note, ensure_ascii=False)}


def tried_cause(run: Run) -> CauseGroup | None:
    """Return the cause that a run retries, or None for any other run."""
    note = json.loads(run.notes.get(_RETRY_NOTE, "null"))
    if run.mode is not Mode.CHOSEN or note is None:
        return None
    return CauseGroup(
        run.flow, note["cause"], note["field"], note["count"], datetime.fromisoformat(note["first_seen"]),
        run.started_at, note["facts"], note["detail"], run=run.id,
    )  # fmt: skip
