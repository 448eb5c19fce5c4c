"""Stores which cause a retry run was started for, so that its result can be shown on that cause."""

import json
from datetime import datetime

from integration.core.issues import CauseGroup
from integration.core.run import Mode, Run

_TRIED = "tried"


def retry_note(group: CauseGroup) -> dict[str, str]:
    """Return the note, for a run, of the cause that it retries."""
    told = {
        "cause": group.cause, "field": group.field, "detail": group.detail, "facts": dict(group.facts),
        "count": group.count, "first_seen": group.first_seen.isoformat(),
    }  # fmt: skip
    return {_TRIED: json.dumps(told, ensure_ascii=False)}


def tried_cause(run: Run) -> CauseGroup | None:
    """Return the cause that a run retries, or None for any other run."""
    told = json.loads(run.notes.get(_TRIED, "null"))
    if run.mode is not Mode.CHOSEN or told is None:
        return None
    return CauseGroup(
        run.flow, told["cause"], told["field"], told["count"], datetime.fromisoformat(told["first_seen"]),
        run.started_at, told["facts"], told["detail"], run=run.id,
    )  # fmt: skip
