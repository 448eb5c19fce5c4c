"""The columns of events in the log file."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

COLUMNS = pa.schema(
    [
        ("instance", pa.string()), ("id", pa.int64()), ("happened_at", pa.timestamp("us")), ("run", pa.string()),
        ("flow", pa.string()), ("kind", pa.string()), ("key", pa.string()), ("sources", pa.list_(pa.string())),
        ("title", pa.string()), ("event", pa.string()), ("code", pa.string()), ("facts", pa.string()),
        ("before", pa.string()), ("after", pa.string()), ("ms", pa.int64()),
    ]
)  # fmt: skip


def log_row(event: Mapping[str, Any], instance: str) -> dict[str, object]:
    """Return an event as a row of the log. Values that arrive as JSON text stay JSON text."""
    texts = {name: _unescaped_json(event[name]) for name in ("facts", "before", "after")}
    happened_at = datetime.fromisoformat(event["happened_at"])
    return {**event, **texts, "sources": json.loads(event["sources"]), "instance": instance, "happened_at": happened_at}


def _unescaped_json(text: str | None) -> str | None:
    """Return JSON without escape sequences, so that a text search finds its characters."""
    if text is None or "\\u" not in text:
        return text
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
