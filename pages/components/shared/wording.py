"""Texts and values in the language and time zone of the session."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import wraps
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from integration import words
from integration.core.days.check import DayComparison
from integration.core.errors import IntegrationError, Reason
from integration.core.guards import Guard, Limit
from integration.core.issues import Issue
from integration.core.records import FieldType, Kind, Value
from integration.core.rules import as_text
from integration.core.untrusted_text import visible
from integration.words import Sentences

LANGUAGE_COOKIE = "console_language"  # cookie in which the browser stores the chosen language

FIELD_DATES: dict[str, Literal["DD/MM/YYYY", "DD-MM-YYYY", "DD.MM.YYYY"]] = {
    "en": "DD/MM/YYYY",
    "nl": "DD-MM-YYYY",
    "de": "DD.MM.YYYY",
}

_LANGUAGE_KEY = "spoken_language"  # not the key of the menu: Streamlit drops the state of controls that are not drawn
_CHOSEN = "chose_language"
_SIGN = r"[\\`*_{}\[\]()#+\-.!|<>~$:@&]"
# Links, images and arrows that Markdown recognises even if every sign is escaped: `://`, `www.`, `a@b`, `:x:`, `->`.
_MADE_OF = (
    r"(?<=[\w.+-])@(?=[\w-])|(?<=http)://|(?<=https)://|(?<=www)\."
    r"|:(?=[\w+-]+:)|-(?=[->])|<(?=-)|[<>~](?==)"
)

# Signs that Markdown reads only at the beginning of a line, or behind a bracket, which is escaped itself.
_QUIET = frozenset("().!+-")
_LEADING = re.compile(r"[\W\d_]*")  # what may stand before a list, a heading or a line
_MARKDOWN = re.compile(f"(?P<made_of>{_MADE_OF})|{_SIGN}", re.IGNORECASE)
_BLANKS = re.compile(" +")
_NOT_CODED = re.compile("`|:material/|  |^ | $")

Markdown = str
"""Our own text in Markdown, in which foreign text is escaped with `plain`, or harmless as a number or a date.

Everything that a page draws as Markdown, including labels and help texts, has this type.
`tests/pages/test_foreign.py` checks that nothing else is drawn.
"""


V = TypeVar("V")
W = TypeVar("W")

_SESSION_LOCALE: ContextVar[tuple[str, tzinfo] | None] = ContextVar("heard", default=None)


def with_session_locale(make: Callable[[], V]) -> Callable[[], V]:
    """Return a function that makes a file on download, in the language and time zone of the current session.

    Streamlit calls it outside a session, where the language would be English and the time zone unknown.
    """
    session_locale = language(), zone()

    def make_with_locale() -> V:
        before = _SESSION_LOCALE.set(session_locale)
        try:
            return make()
        finally:
            _SESSION_LOCALE.reset(before)

    return make_with_locale


def language() -> str:
    """Return the language of this session."""
    if session_locale := _SESSION_LOCALE.get():
        return session_locale[0]
    return str(st.session_state.get(_LANGUAGE_KEY) or words.nearest(st.context.locale))


def in_session_language(write: Callable[[V, str], W]) -> Callable[[V], W]:
    """Return a function of `words` bound to the language of this session."""

    @wraps(write)
    def written(value: V) -> W:
        return write(value, language())

    return written


number = in_session_language(words.number)
amount_text = in_session_language(words.amount_text)
ledger_text = in_session_language(words.ledger_text)
value_text = in_session_language(words.value_text)
read_number = in_session_language(words.read_number)
percentage = in_session_language(words.percentage)
euros = in_session_language(words.euros)
span = in_session_language(words.duration)
reason = in_session_language(words.reason)
field_term = in_session_language(words.field_name)
table_day = in_session_language(words.table_day)
table_time = in_session_language(words.table_time)
whole_day = in_session_language(words.whole_day)
month_name = in_session_language(words.month)
system_name = words.system_name
capital = words.capital


def settle_language() -> None:
    """Set the language of this session: the one in the address, the stored one, or that of the browser."""
    address_language = st.query_params.get("lang", "")
    if address_language in words.LANGUAGES:
        st.session_state[_LANGUAGE_KEY] = address_language
    elif _LANGUAGE_KEY not in st.session_state:
        cookie_language = st.context.cookies.get(LANGUAGE_COOKIE, "")
        st.session_state[_LANGUAGE_KEY] = (
            cookie_language if cookie_language in words.LANGUAGES else words.nearest(st.context.locale)
        )


def set_language(language: str) -> None:
    """Switch to the language that a person chose."""
    st.session_state[_LANGUAGE_KEY] = language
    st.session_state[_CHOSEN] = True
    if "lang" in st.query_params:
        st.query_params["lang"] = language


def is_language_chosen() -> bool:
    """Return True if a person chose the language in this session, so that the browser stores it."""
    return bool(st.session_state.get(_CHOSEN))


def zone() -> tzinfo:
    """Return the time zone of the browser."""
    if session_locale := _SESSION_LOCALE.get():
        return session_locale[1]
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def text(key: str, **facts: object) -> str:
    """Return a text by its key, with a capital at the start."""
    return words.sentence(key, language(), **facts)


def term(key: str, **facts: object) -> str:
    """Return a text by its key, for use inside a sentence."""
    return words.term(key, language(), **facts)


def quantity_text(key: str, count: int, **facts: object) -> str:
    """Return a quantity with its noun, or a sentence with a singular and a plural form."""
    return words.capital(words.count(key, count, language(), **{"number": number(count), **facts}))


def say(code: str, facts: Mapping[str, str]) -> Sentences:
    """Return the three sentences of a cause as plain text."""
    return words.say(code, facts, language(), zone())


def cause_headline(code: str, facts: Mapping[str, str]) -> str:
    """Return the headline of a cause as plain text."""
    return words.headline(code, facts, language())


def fact_text(name: str, fact: str) -> str:
    """Return a fact of a cause as its sentences write it."""
    return words.fact_text(name, fact, language())


def expected_value(error: IntegrationError) -> str:
    """Return the expected value of a setting whose value was refused."""
    return reason(Reason(error.facts.get("expected", ""), error.facts))


def issue_reason(issue: Issue) -> str:
    """Return why a record is parked. For a formula without a result this is only the reason."""
    message = issue.facts.get("message")
    return reason(Reason(message, issue.facts)) if message else say(issue.cause, issue.facts).problem


def in_cause(cause: str, facts: Mapping[str, str]) -> str:
    """Return the sentence of a cause that says what happened."""
    return say(cause, facts).problem


def plain(value: object) -> Markdown:
    """Return foreign text escaped for Markdown, on one line, with invisible characters made visible.

    Signs without a meaning at their place stay as they are: a screen reader gets the label of a control as it is
    written here.
    """
    return _MARKDOWN.sub(_escaped, _BLANKS.sub(" ", visible(str(value))).strip(" "))


def _escaped(matched: re.Match[str]) -> str:
    if not matched["made_of"] and _is_quiet(matched):
        return matched[0]
    signs = "".join(f"&#{ord(sign)};" for sign in matched[0])
    return f":color[{signs}]" if matched["made_of"] else signs  # without a colour it only separates the signs


def _is_quiet(matched: re.Match[str]) -> bool:
    """Return True if Markdown gives a sign no meaning at its place."""
    before, after = matched.string[: matched.start()][-1:], matched.string[matched.end() :][:1]
    is_leading = _LEADING.fullmatch(matched.string, 0, matched.start()) is not None
    match matched[0]:
        case ":" | "&":
            return after == " "
        case "_":
            return before.isalnum() and after.isalnum()  # within a word
        case "*":
            return before == after == " " and not is_leading
        case "#":
            return after.isalnum() and not is_leading  # at the end of a heading Markdown leaves it out
        case "@":
            return True  # the one of an address is a sign of `_MADE_OF`
    return matched[0] in _QUIET and not is_leading


def link(words: Markdown, page: str, **parameters: str) -> Markdown:
    """Return a link to a page of the console. The values of the query parameters may be foreign."""
    return f"[{words}](/{page}?{urlencode(parameters)})"


def coded(value: object) -> Markdown:
    """Return a code in a monospaced font. A code that would break the Markdown is escaped as plain text instead."""
    visible_text = visible(str(value))
    return plain(value) if _NOT_CODED.search(visible_text) or not visible_text.strip() else f"`{visible_text}`"


def option_name(label: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return a formatter for options of a control that renders no Markdown; it makes invisible characters visible."""
    return lambda choice: visible(label(choice))


def typed_value(entered: str, kind: FieldType) -> Value:
    """Return typed text as a value of a field, or the text itself if it is not valid. Empty text is None."""
    flags = {term("yes"): True, "true": True, term("no"): False, "false": False}
    bare = entered.strip()
    if not bare:
        return None
    if kind is FieldType.FLAG and bare.casefold() in flags:
        return flags[bare.casefold()]
    if kind in (FieldType.NUMBER, FieldType.MONEY):
        number = read_number(bare)
        return entered if number is None else number
    if kind is FieldType.DATE:
        day = words.read_day(bare, language())
        return day.isoformat() if day else entered
    return entered


def typed_text(value: Value, kind: FieldType = FieldType.TEXT) -> str:
    """Return a value as text for an input field; `typed_value` reads it back.

    A value may also be stored as plain text, with a decimal point and days as 2026-03-31; `kind` then says how to read
    it.
    """
    plainly = as_text(value)
    if isinstance(value, bool) or (kind is FieldType.FLAG and plainly in ("true", "false")):
        return term("yes" if plainly == "true" else "no")
    counts = isinstance(value, Decimal) or kind in (FieldType.NUMBER, FieldType.MONEY)
    parsed = words.read_number(plainly) if counts else None
    if parsed is not None:
        return words.typed_number(parsed, language())
    day = words.read_day(plainly) if kind is FieldType.DATE else None
    return table_day(day) if day else plainly


def field_name(name: str) -> str:
    """Return the caption of a field by its name or path, with a capital."""
    return words.capital(field_term(name))


def table_name(name: str) -> str:
    """Return the name of a value table."""
    return text(f"table_{name}") if words.has_term(f"table_{name}") else name


def kind_name(kind: str) -> Markdown:
    """Return the name of a kind of record, with a capital.

    A kind without a text has its own identifier as name. A stored kind that this version does not know, because its
    flow was removed or a newer version wrote it, is named as unknown.
    """
    if words.has_term(f"kind_{kind}"):
        return text(f"kind_{kind}")
    return _fallback_name(kind) if Kind.stored(kind).is_declared else text("unknown_kind", name=plain(kind))


def fields_of_kind(kind: str) -> Markdown:
    """Return the heading for the fields of a kind in a mapping, or the identifier of the kind if there is no text."""
    return text(f"fields_{kind}") if words.has_term(f"fields_{kind}") else _fallback_name(kind)


def _fallback_name(kind: str) -> Markdown:
    return plain(words.capital(kind.replace("_", " ")))


def flow_name(flow: str) -> str:
    """Return the name of a flow with a capital."""
    return flow_text("flow", flow)


def flow_text(stem: str, flow: str, **facts: object) -> str:
    """Return a text of a flow with a capital, or the text for any flow if it has none of its own."""
    return words.capital(flow_term(stem, flow, **facts))


def flow_term(stem: str, flow: str, **facts: object) -> str:
    """Return a text of a flow for use inside a sentence, or the text for any flow if it has none of its own."""
    own = f"{stem}_{flow}"
    return term(own if words.has_term(own) else f"{stem}_any", **{"flow": flow, **facts})


def guard_name(guard: Guard) -> Markdown:
    """Return the name of a guard; without a text, its identifier."""
    own = f"brake_{guard.name}_on"
    return text(own) if words.has_term(own) else plain(words.capital(guard.name.replace("_", " ")))


def guard_text(guard: Guard, flow: str, limit: Limit) -> Markdown:
    """Return the sentence that says at which limit a guard holds a plan of a flow."""
    own = f"brake_{guard.name}"
    facts = {"many": flow_term("many", flow), "guard": guard_name(guard), "limit": number(limit)}
    return text(own if words.has_term(own) else "brake_any", **facts)


def struck(old: str) -> Markdown:
    """Return an old value struck through, or grey if it has digits, which a line would make unreadable."""
    return f":gray[{plain(old)}]" if any(sign.isdigit() for sign in old) else f"~~{plain(old)}~~"


def records_of(kind: str, count: int) -> Markdown:
    """Return a number of records with their kind, such as "25 orders"."""
    own = f"records_{kind}"
    return quantity_text(own if words.has_count(own) else "records_any", count)


def source_to_target(source: str, target: str) -> Markdown:
    """Return source and target with an arrow."""
    return f"{system_name(source)} → {system_name(target)}"


def moment(at: datetime | None) -> str:
    """Return a moment in short form, or a dash for None."""
    return words.moment(at, language(), zone()) if at else words.MISSING


def duration(begun: datetime, ended: datetime | None = None) -> str:
    """Return a duration as text. Without `ended`, it lasts until now."""
    return span(((ended or datetime.now(UTC)) - begun).total_seconds())


def long_day(at: datetime) -> str:
    """Return the weekday and date of a moment."""
    return words.long_day(at, language(), zone())


def weekdays() -> list[str]:
    """Return the short names of the weekdays, Monday first."""
    return words.weekdays(language())


def weekday_names() -> list[str]:
    """Return the names of the weekdays, Monday first."""
    return words.weekday_names(language())


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence, such as "a, b and c"."""
    return words.listed(names, language())


def short_day(at: datetime) -> str:
    """Return the day and month of a moment."""
    return words.short_day(at, language(), zone())


def number_text(value: float) -> str:
    """Return a float of a table or chart with the digits of its shortest decimal form."""
    return number(Decimal(str(value)))


def megabytes(size: int) -> Markdown:
    """Return a size in bytes as megabytes with one decimal."""
    return number(Decimal(f"{size / 1_000_000:.1f}"))


def money_text(value: float) -> str:
    """Return a float of a table as an amount with two decimals, without currency sign."""
    return amount_text(Decimal(f"{value:.2f}"))


def change_text(value: float) -> str:
    """Return a difference of a table with its sign."""
    return f"+{number_text(value)}" if value > 0 else number_text(value)


def table_second(value: datetime) -> str:
    """Return a moment of a table with seconds. The table has converted its time zone already."""
    return words.table_time(value, language(), seconds=True)


def field_date() -> Literal["DD/MM/YYYY", "DD-MM-YYYY", "DD.MM.YYYY"]:
    """Return the date format of input fields, in the notation of Streamlit."""
    return FIELD_DATES[language()]


def separators() -> str:
    """Return the decimal and the thousands separator, as Plotly expects them."""
    return ".," if language() == "en" else ",."


def clock_time(at: datetime) -> str:
    """Return the time of day with seconds."""
    return words.clock_time(at, language(), zone())


def sandbox_badges(sandboxed: bool) -> list[Markdown]:
    """Return the badge in every page head that says that both systems are the built-in ones."""
    return [f":gray-badge[:material/science: {text('badge_sandbox')}]"] if sandboxed else []


def difference_text(comparison: DayComparison) -> str:
    """Return the difference of a figure, with the side that has more."""
    return words.difference_amount(comparison.difference, comparison.larger_side, language())


def author_name(name: str) -> str:
    """Return the name of an author: the schedule, the console, or a person."""
    return term(f"by_{name}") if words.has_term(f"by_{name}") else name
