"""Writes alert messages in the language of the reader, without personal data: only counts and amounts."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlencode

from integration import words
from integration.alerts.incidents import Incident, Problem, ProblemType
from integration.services.audit import REASONS, Anchor, numbered_hash
from integration.services.opening_hours import ZONE

# Facts without personal data: words, names and numbers of ours and of the two systems.
NON_PERSONAL_FACTS = frozenset(
    {
        "flow", "system", "minutes", "hours", "seconds", "count", "limit", "free", "needed", "executor", "channel",
        "time", "duration", "operation", "field", "fields", "object", "kind", "table", "setting", "action", "amount",
        "run", "incident", "vat", "rate", "entry",
    }
)  # fmt: skip
A_NUMBER = re.compile(r"[A-Z]{0,4}[-./]?\d[\d.,/-]{0,19}")
HIDDEN = "…"
OUR_REASONS = frozenset(REASONS.values())  # without personal data as well
EMPTY: Mapping[str, datetime] = MappingProxyType({})
Message = tuple[str, str]  # title and text


def redacted_facts(facts: Mapping[str, str]) -> dict[str, str]:
    """Return facts without personal data: values that are neither ours nor a number are hidden."""
    return {
        name: fact if name in NON_PERSONAL_FACTS or A_NUMBER.fullmatch(fact) or fact in OUR_REASONS else HIDDEN
        for name, fact in facts.items()
        if name not in ("message", "expected") or fact.startswith(("reason_", "expected_"))
    }


def page_address(problem: Problem) -> str:
    """Return the address of the page on which a person can act on a problem, with its query."""
    match problem.type:
        case ProblemType.RECORDS | ProblemType.DIFFERENCE:
            return f"/exceptions?{urlencode({'flow': problem.flow})}"
        case ProblemType.RUN if problem.facts.get("run"):
            return f"/runs?{urlencode({'run': problem.facts['run']})}"
        case ProblemType.AUDIT:
            return "/administration?tab=audit"
        case ProblemType.CONNECTION:
            return "/setup"
        case _:
            return "/monitoring"


class Messages:
    """Writes messages. `base` is the address of the console in browsers, empty if it is unknown."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")

    def begin_message(self, incident: Incident, language: str, now: datetime) -> Message:
        """Return the message for the beginning of an incident."""
        since = words.term("alert_since", language, time=_moment(incident.started_at, language, now))
        return self._open_message(
            incident, words.sentence(f"severity_{incident.problem.severity}", language), language, since
        )

    def reminder(self, incident: Incident, language: str, now: datetime) -> Message:
        """Return the message for an incident that has grown or continues for long, with its current count."""
        lasts = words.duration((now - incident.started_at).total_seconds(), language)
        since = words.term(
            "alert_still", language, time=_moment(incident.started_at, language, now), duration=lasts
        )  # fmt: skip
        return self._open_message(incident, words.sentence("alert_reminder", language), language, since)

    def _open_message(self, incident: Incident, state: str, language: str, since: str) -> Message:
        problem = incident.problem
        explanation = words.say(problem.cause, redacted_facts(problem.facts), language, ZONE)
        description = (
            explanation.problem if explanation.problem.removesuffix(".") != _headline(problem, language) else ""
        )
        lines = [description, *_numbers(problem, language), explanation.data, explanation.do, since]
        return _title(problem, state, language), _text([*lines, self._base + page_address(problem)])

    def end_message(self, incident: Incident, language: str, now: datetime) -> Message:
        problem, ended = incident.problem, incident.ended_at or now
        lasted = words.duration((ended - incident.started_at).total_seconds(), language)
        about = words.term(
            "alert_lasted", language, time=_moment(incident.started_at, language, now), duration=lasted
        )  # fmt: skip
        title = _title(problem, words.sentence("alert_over", language), language)
        return title, _text(
            [
                words.term("alert_was", language, what=_headline(problem, language)),
                about,
                self._base + page_address(problem),
            ]
        )

    def digest(
        self, open_incidents: Sequence[Incident], changed: Sequence[Incident], proven: Mapping[str, int], language: str,
        now: datetime, *, audit: Anchor | None = None, oldest: Mapping[str, datetime] = EMPTY,
    ) -> Message:  # fmt: skip
        """Return the digest: open incidents, incidents ended since the last digest, and proven records by flow.

        `oldest` says since when the oldest record of a problem waits, by identity of the problem. Includes the latest
        head of the `audit` log, so that a reader can later detect that the audit log was rewritten.
        """
        over = [incident for incident in changed if incident.ended_at is not None]
        title = words.count("alert_digest_title", len(open_incidents), language)
        flows = [f"  {_flow(flow, language)}: {words.number(number, language)}" for flow, number in proven.items()]
        lines = [
            words.sentence("alert_digest_open", language)
            if open_incidents
            else words.sentence("alert_digest_none", language),
            *(
                f"  {self._line(incident, language, now, oldest.get(incident.problem.identity))}"
                for incident in open_incidents
            ),
            *([words.sentence("alert_digest_over", language)] if over else []),
            *(f"  {self._line(incident, language, now)}" for incident in over),
            *([words.sentence("alert_digest_proven", language), *flows] if flows else []),
            *([self._anchor_line(audit, language, now)] if audit else []),
            f"{self._base}/monitoring",
        ]
        return title, _text(lines)

    def _anchor_line(self, audit: Anchor, language: str, now: datetime) -> str:
        return words.term(
            "alert_digest_audit", language, time=_moment(audit.at, language, now), head=numbered_hash(audit.head)
        )

    def _line(self, incident: Incident, language: str, now: datetime, oldest: datetime | None = None) -> str:
        problem = incident.problem
        severity = words.sentence(f"severity_{problem.severity}", language)
        numbers = "".join(
            f" ({text})" for text in _numbers(problem, language, None if oldest is None else now - oldest)
        )
        return f"{_moment(incident.started_at, language, now)} · {severity} · {_headline(problem, language)}{numbers}"

    def test(self, name: str, language: str) -> Message:
        """Return the test message of a channel."""
        lines = [words.term("alert_test_about", language, channel=name), f"{self._base}/monitoring"]
        return words.sentence("alert_test_title", language), _text(lines)


def _title(problem: Problem, state: str, language: str) -> str:
    about = _flow(problem.flow, language) if problem.flow else words.sentence(f"problem_type_{problem.type}", language)
    if problem.type is ProblemType.CONNECTION:
        about = words.system_name(problem.subject)
    return f"{state} · {about} · {_headline(problem, language)}"[:LONGEST_TITLE]


def _headline(problem: Problem, language: str) -> str:
    return words.headline(problem.cause, problem.facts, language)


LONGEST_TITLE = 150


def _flow(flow: str, language: str) -> str:
    key = f"flow_{flow}"
    return words.sentence(key, language) if words.has_term(key) else flow


def _numbers(problem: Problem, language: str, waits: timedelta | None = None) -> list[str]:
    """Return the count of a problem, its euros, and how long its oldest record waits, as far as known, as one text."""
    parts = [words.count("record", problem.count, language)] if problem.count else []
    if problem.waiting_amount is not None:
        parts.append(words.term("alert_at_stake", language, amount=words.euros(problem.waiting_amount, language)))
    if waits is not None:
        days = words.count("day", waits.days, language, number=words.number(waits.days, language))
        parts.append(words.term("alert_oldest", language, duration=days))
    return [" · ".join(parts)] if parts else []


def _moment(at: datetime, language: str, now: datetime) -> str:
    return words.moment(at, language, ZONE, now)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(line for line in lines if line)
