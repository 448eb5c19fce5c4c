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


def _settings(one: Happened) -> list[str]:
    """Return the captions of the settings of a flow that a person changed, if they have captions."""
    changed = {**texts_of(one["before"]), **texts_of(one["after"])}
    tops = dict.fromkeys(re.split(r"[.\[]", path)[0] for path in changed)
    captions = (caption_of(str(one["key"]).removeprefix("flow:"), name) for name in tops)
    return [text(caption) for caption in captions if has_term(caption)]


def around(history: Sequence[Happened], others: Sequence[Happened]) -> list[Happened]:
    """Return the related events: all events of its runs, and changes by people while the record waited."""
    waits = list(_waits(history))
    return [
        one
        for one in others
        if one["event"] not in CHANGED or any(begin <= event_moment(one) <= end for begin, end in waits)
    ]


def _waits(history: Sequence[Happened]) -> Iterator[tuple[datetime, datetime]]:
    """Yield begin and end of each time that a record waited. `history` has its events, oldest first."""
    begun: datetime | None = None
    for one in history:
        if one["event"] == "parked":
            begun = begun or event_moment(one)
        elif begun is not None and one["event"] in ENDED:
            yield begun, event_moment(one)
            begun = None
    if begun is not None:
        yield begun, datetime.max.replace(tzinfo=begun.tzinfo)


def wait_sentence(rows: Sequence[Happened], place: int) -> Markdown:
    """Return the sentence about a wait that has ended; empty if its reason is unknown. `rows` is newest first."""
    closed = rows[place]
    parked = next((one for one in rows[place + 1 :] if _is_of(one, closed)), None)
    if parked is None or not has_sentences(str(closed["code"])):
        return ""
    why = plain(say(str(closed["code"]), texts_of(parked["facts"])).what.rstrip("."))
    waited = span((event_moment(closed) - event_moment(parked)).total_seconds())
    until = next((one for one in rows[place + 1 : rows.index(parked)] if one["event"] in DONE), None)
    if until is None:
        return text("waited_for", span=waited, cause=why)
    return text("waited_until", span=waited, cause=why, until=_done(until))


def _is_of(one: Happened, closed: Happened) -> bool:
    return bool(one["event"] == "parked" and one["code"] == closed["code"] and one["key"] == closed["key"])


def _done(one: Happened) -> Markdown:
    by = plain(author_name(texts_of(one["facts"]).get("by", "")))
    if one["event"] == "setting_changed" and (named := _settings(one)):
        return term("until_setting_named", by=by, setting=plain(listed(named)))
    return term(DONE[str(one["event"])], by=by, table=plain(table_name(str(one["key"]))))
