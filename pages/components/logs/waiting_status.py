"""Sentences that say since when and why a record waited, and who solved it."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from integration.services.log.search import caption_of
from integration.words import has_sentences, has_term
from pages.components.shared.timeline import Happened, event_moment, texts_of
from pages.components.shared.wording import Markdown, author_name, listed, plain, say, span, table_name, term, text

# Actions of people that solve a parked record, with the text key of each.
DONE = {
    "setting_changed": "until_setting",
    "table_changed": "until_table",
    "mapping_published": "until_mapping",
    "linked_by_hand": "until_linked",
    "value_corrected": "until_corrected",
    "conflict_settled": "until_settled",
    "found_by_hand": "until_found",
    "not_there": "until_not_there",
}
CHANGED = ("setting_changed", "table_changed", "mapping_published", "brake_switched_off")
ENDED = ("issue_closed", "planned", "proven", "accepted", "skipped")


def _settings(event: Happened) -> list[str]:
    """Return the captions of the settings of a flow that a person changed, if they have captions."""
    changed = {**texts_of(event["before"]), **texts_of(event["after"])}
    tops = dict.fromkeys(re.split(r"[.\[]", path)[0] for path in changed)
    captions = (caption_of(str(event["key"]).removeprefix("flow:"), name) for name in tops)
    return [text(caption) for caption in captions if has_term(caption)]


def around(history: Sequence[Happened], others: Sequence[Happened]) -> list[Happened]:
    """Return the related events: all events of its runs, and changes by people while the record waited."""
    waits = list(_wait_periods(history))
    return [
        event
        for event in others
        if event["event"] not in CHANGED or any(begin <= event_moment(event) <= end for begin, end in waits)
    ]


def _wait_periods(history: Sequence[Happened]) -> Iterator[tuple[datetime, datetime]]:
    """Yield begin and end of each time that a record waited. `history` has its events, oldest first."""
    begun: datetime | None = None
    for event in history:
        if event["event"] == "parked":
            begun = begun or event_moment(event)
        elif begun is not None and event["event"] in ENDED:
            yield begun, event_moment(event)
            begun = None
    if begun is not None:
        yield begun, datetime.max.replace(tzinfo=begun.tzinfo)


def wait_sentence(rows: Sequence[Happened], place: int) -> Markdown:
    """Return the sentence about a wait that has ended; empty if its reason is unknown. `rows` is newest first."""
    closed = rows[place]
    parked = next((event for event in rows[place + 1 :] if _is_of(event, closed)), None)
    if parked is None or not has_sentences(str(closed["code"])):
        return ""
    why = plain(say(str(closed["code"]), texts_of(parked["facts"])).problem.rstrip("."))
    waited = span((event_moment(closed) - event_moment(parked)).total_seconds())
    until = next((event for event in rows[place + 1 : rows.index(parked)] if event["event"] in DONE), None)
    if until is None:
        return text("waited_for", span=waited, cause=why)
    return text("waited_until", span=waited, cause=why, until=_solution_text(until))


def _is_of(event: Happened, closed: Happened) -> bool:
    return bool(event["event"] == "parked" and event["code"] == closed["code"] and event["key"] == closed["key"])


def _solution_text(event: Happened) -> Markdown:
    by = plain(author_name(texts_of(event["facts"]).get("by", "")))
    if event["event"] == "setting_changed" and (setting_names := _settings(event)):
        return term("until_setting_named", by=by, setting=plain(listed(setting_names)))
    return term(DONE[str(event["event"])], by=by, table=plain(table_name(str(event["key"]))))
