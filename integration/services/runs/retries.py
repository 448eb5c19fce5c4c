"""What a run keeps of the cause that it tries again, so that what became of it can be shown."""

import json
from datetime import datetime

from integration.core.issues import CauseGroup
from integration.core.run import Mode, Run

_TRIED = "tried"


def retry_note(group: CauseGroup) -> dict[str, str]:
    """Return what a run keeps of the cause it tries again."""
    told = {
        "cause": group.cause, "field": group.field, "detail": group.detail, "facts": dict(group.facts),
        "count": group.count, "first_seen": group.first_seen.isoformat(),
    }  # fmt: skip
    return {_TRIED: json.dumps(told, ensure_ascii=False)}


def tried_cause(run: Run) -> CauseGroup | None:
    """Return the cause that a run tries again, or None when it does something else."""
    told = json.loads(run.notes.get(_TRIED, "null"))
    if run.mode is not Mode.CHOSEN or told is None:
        return None
    return CauseGroup(
        run.flow, told["cause"], told["field"], told["count"], datetime.fromisoformat(told["first_seen"]),
        run.started_at, told["facts"], told["detail"], run=run.id,
    )  # fmt: skip
