"""Texts and values in the language and time zone of whoever is looking."""

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
from integration.core.errors import IntegrationError, Reason
from integration.core.guards import Guard, Limit
from integration.core.issues import Issue
from integration.core.records import FieldType, Kind, Value
from integration.core.rules import as_text
from integration.core.untrusted_text import visible
from integration.words import Sentences

KEPT_LANGUAGE = "console_language"  # name of the cookie by which a browser remembers the language that was chosen

FIELD_DATES: dict[str, Literal["DD/MM/YYYY", "DD-MM-YYYY", "DD.MM.YYYY"]] = {
    "en": "DD/MM/YYYY",
    "nl": "DD-MM-YYYY",
    "de": "DD.MM.YYYY",
}

_SPOKEN = "spoken_language"  # not the key of the picker: Streamlit forgets those of controls that are not drawn
_CHOSEN = "chose_language"
_SIGN = r"[\\`*_{}\[\]()#+\-.!|<>~$:@&]"
# What addresses, pictures and arrows are made of even where every sign is escaped: `://`, `www.`, `a@b`, `:x:`, `->`.
_MADE_OF = (
    r"(?<=[\w.+-])@(?=[\w-])|(?<=http)://|(?<=https)://|(?<=www)\."
    r"|:(?=[\w+-]+:)|-(?=[->])|<(?=-)|[<>~](?==)"
)

_MARKDOWN = re.compile(f"(?P<made_of>{_MADE_OF})|{_SIGN}", re.IGNORECASE)
_BLANKS = re.compile(" +")
_NOT_CODED = re.compile("`|:material/|  |^ | $")

Markdown = str
"""Words of ours in Markdown, in which all that is foreign is escaped: by `plain`, or because it is a number or a day.

Whatever a page draws as Markdown, labels and help among it, is of this kind; `tests/pages/test_foreign.py` looks that
nothing else gets there.
"""


V = TypeVar("V")
W = TypeVar("W")

_HEARD: ContextVar[tuple[str, tzinfo] | None] = ContextVar("heard", default=None)


def later(make: Callable[[], V]) -> Callable[[], V]:
    """Return what makes a file when somebody takes it: in the language and on the clock of whoever looks now.

    It is asked for outside of a session, which would be spoken to in English, on no clock in particular.
    """
    heard = language(), zone()

    def made() -> V:
        before = _HEARD.set(heard)
        try:
            return make()
        finally:
            _HEARD.reset(before)

    return made


def language() -> str:
    """Return the language of this session."""
    if heard := _HEARD.get():
        return heard[0]
    return str(st.session_state.get(_SPOKEN) or words.nearest(st.context.locale))


def spoken(write: Callable[[V, str], W]) -> Callable[[V], W]:
    """Return a function of `words` so that it speaks the language of this session."""

    @wraps(write)
    def written(value: V) -> W:
        return write(value, language())

    return written


number = spoken(words.number)
amount_text = spoken(words.amount_text)
value_text = spoken(words.value_text)
read_number = spoken(words.read_number)
percentage = spoken(words.percentage)
euros = spoken(words.euros)
span = spoken(words.duration)
reason = spoken(words.reason)
field_term = spoken(words.field_name)
table_day = spoken(words.table_day)
table_time = spoken(words.table_time)
whole_day = spoken(words.whole_day)
month_name = spoken(words.month)
system_name = words.system_name
capital = words.capital


def settle_language() -> None:
    """Decide on the language of this session: that of the address, the one chosen before, or that of the browser."""
    asked = st.query_params.get("lang", "")
    if asked in words.LANGUAGES:
        st.session_state[_SPOKEN] = asked
    elif _SPOKEN not in st.session_state:
        kept = st.context.cookies.get(KEPT_LANGUAGE, "")
        st.session_state[_SPOKEN] = kept if kept in words.LANGUAGES else words.nearest(st.context.locale)


def speak(language: str) -> None:
    """Go on in the language that a person chose."""
    st.session_state[_SPOKEN] = language
    st.session_state[_CHOSEN] = True
    if "lang" in st.query_params:
        st.query_params["lang"] = language


def chosen() -> bool:
    """Tell whether a person chose the language in this session, so that the browser is to remember it."""
    return bool(st.session_state.get(_CHOSEN))


def zone() -> tzinfo:
    """Return the time zone of the browser."""
    if heard := _HEARD.get():
        return heard[1]
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def text(key: str, **facts: object) -> str:
    """Return a text by its key, with a capital at the start."""
    return words.sentence(key, language(), **facts)


def term(key: str, **facts: object) -> str:
    """Return a text by its key as it stands, for use inside a sentence."""
    return words.term(key, language(), **facts)


def counted(key: str, count: int, **facts: object) -> str:
    """Return a quantity with its noun, or a sentence that comes in two forms."""
    return words.capital(words.count(key, count, language(), **{"number": number(count), **facts}))


def say(code: str, facts: Mapping[str, str]) -> Sentences:
    """Return the three sentences of a cause as plain text."""
    return words.say(code, facts, language(), zone())


def cause_headline(code: str, facts: Mapping[str, str]) -> str:
    """Return the name of a cause as plain text, the same wherever it is shown."""
    return words.headline(code, facts, language())


def fact_text(name: str, fact: str) -> str:
    """Return a fact of a cause as its sentences have it."""
    return words.fact_text(name, fact, language())


def wanted(error: IntegrationError) -> str:
    """Return what a setting should have been that was refused."""
    return reason(Reason(error.facts.get("expected", ""), error.facts))


def in_short(issue: Issue) -> str:
    """Return why a record waits: of a formula without a result the reason alone."""
    message = issue.facts.get("message")
    return reason(Reason(message, issue.facts)) if message else say(issue.cause, issue.facts).what


def in_cause(cause: str, facts: Mapping[str, str]) -> str:
    """Return what happened, in the one sentence of its cause."""
    return say(cause, facts).what


def plain(value: object) -> Markdown:
    """Return foreign text so that Markdown leaves it alone, in one line, with every sign to be seen."""
    return _MARKDOWN.sub(_escaped, _BLANKS.sub(" ", visible(str(value))).strip(" "))


def _escaped(found: re.Match[str]) -> str:
    signs = "".join(f"&#{ord(sign)};" for sign in found[0])
    return f":color[{signs}]" if found["made_of"] else signs  # of no colour: only an element of its own


def link(words: Markdown, page: str, **asked: str) -> Markdown:
    """Return words that lead to a page of the console; what is asked of it in the address may be foreign."""
    return f"[{words}](/{page}?{urlencode(asked)})"


def coded(value: object) -> Markdown:
    """Return a code as such, in the letters of a machine; what would end or change them is written as other text is."""
    shown = visible(str(value))
    return plain(value) if _NOT_CODED.search(shown) or not shown.strip() else f"`{shown}`"


def option_name(label: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return how a choice is called, for a list of choices that reads no Markdown: every sign is to be seen."""
    return lambda choice: visible(label(choice))


def typed_value(given: str, kind: FieldType) -> Value:
    """Return what was typed as a value of a field; text where it is no such value. Empty text is no value."""
    flags = {term("yes"): True, "true": True, term("no"): False, "false": False}
    bare = given.strip()
    if not bare:
        return None
    if kind is FieldType.FLAG and bare.casefold() in flags:
        return flags[bare.casefold()]
    if kind in (FieldType.NUMBER, FieldType.MONEY):
        number = read_number(bare)
        return given if number is None else number
    if kind is FieldType.DATE:
        day = words.read_day(bare, language())
        return day.isoformat() if day else given
    return given


def typed_text(value: Value, kind: FieldType = FieldType.TEXT) -> str:
    """Return a value as it stands in a field to type in; `typed_value` reads it back.

    A value may also be kept as plain text, with a decimal point and days as 2026-03-31; then its kind tells what it is.
    """
    plainly = as_text(value)
    if isinstance(value, bool) or (kind is FieldType.FLAG and plainly in ("true", "false")):
        return term("yes" if plainly == "true" else "no")
    counts = isinstance(value, Decimal) or kind in (FieldType.NUMBER, FieldType.MONEY)
    kept = words.read_number(plainly) if counts else None
    if kept is not None:
        return words.typed_number(kept, language())
    day = words.read_day(plainly) if kind is FieldType.DATE else None
    return table_day(day) if day else plainly


def field_name(name: str) -> str:
    """Return the caption of a field by its name or path, with a capital."""
    return words.capital(field_term(name))


def table_name(name: str) -> str:
    """Return how a value table is called."""
    return text(f"table_{name}") if words.has_term(f"table_{name}") else name


def kind_name(kind: str) -> Markdown:
    """Return what a kind of record is called, with a capital; one that a flow brought has its name where no word is.

    Of one that is only stored, since its flow is gone or a newer revision wrote it, it says that it is not known.
    """
    if words.has_term(f"kind_{kind}"):
        return text(f"kind_{kind}")
    return _own_name(kind) if Kind.stored(kind).known else text("unknown_kind", name=plain(kind))


def fields_of_kind(kind: str) -> Markdown:
    """Return how the fields of a kind are headed in a mapping, with a capital; where no word is, its name."""
    return text(f"fields_{kind}") if words.has_term(f"fields_{kind}") else _own_name(kind)


def _own_name(kind: str) -> Markdown:
    return plain(words.capital(kind.replace("_", " ")))


def flow_name(flow: str) -> str:
    """Return the name of a flow with a capital."""
    return flow_text("flow", flow)


def flow_text(stem: str, flow: str, **facts: object) -> str:
    """Return what a flow calls something, with a capital; where it has no word of its own, what any flow calls it."""
    return words.capital(flow_term(stem, flow, **facts))


def flow_term(stem: str, flow: str, **facts: object) -> str:
    """Return what a flow calls something as it stands, for use inside a sentence."""
    own = f"{stem}_{flow}"
    return term(own if words.has_term(own) else f"{stem}_any", **{"flow": flow, **facts})


def guard_name(guard: Guard) -> Markdown:
    """Return what a guard is called: by its name where it has no words."""
    own = f"brake_{guard.name}_on"
    return text(own) if words.has_term(own) else plain(words.capital(guard.name.replace("_", " ")))


def guard_text(guard: Guard, flow: str, limit: Limit) -> Markdown:
    """Return at which limit a guard holds a plan of a flow."""
    own = f"brake_{guard.name}"
    facts = {"many": flow_term("many", flow), "guard": guard_name(guard), "limit": number(limit)}
    return text(own if words.has_term(own) else "brake_any", **facts)


def struck(old: str) -> Markdown:
    """Return an old value: struck through, but grey where it has figures, which a line would make unreadable."""
    return f":gray[{plain(old)}]" if any(sign.isdigit() for sign in old) else f"~~{plain(old)}~~"


def records_of(kind: str, count: int) -> Markdown:
    """Return how many records, by what they are: 25 orders."""
    own = f"records_{kind}"
    return counted(own if words.has_count(own) else "records_any", count)


def way(source: str, target: str) -> Markdown:
    """Return from where to where."""
    return f"{system_name(source)} → {system_name(target)}"


def moment(at: datetime | None) -> str:
    """Return a time the short way, or a dash."""
    return words.moment(at, language(), zone()) if at else words.MISSING


def duration(begun: datetime, ended: datetime | None = None) -> str:
    """Return how long something took, or has taken until now."""
    return span(((ended or datetime.now(UTC)) - begun).total_seconds())


def long_day(at: datetime) -> str:
    """Return the weekday with its date."""
    return words.long_day(at, language(), zone())


def weekdays() -> list[str]:
    """Return the days of a week in short, Monday first."""
    return words.weekdays(language())


def weekday_names() -> list[str]:
    """Return the days of a week, Monday first."""
    return words.weekday_names(language())


def listed(names: Sequence[str]) -> str:
    """Return several names in one sentence: a, b and c."""
    return words.listed(names, language())


def short_day(at: datetime) -> str:
    """Return day and month."""
    return words.short_day(at, language(), zone())


def number_text(value: float) -> str:
    """Return a number of a table or chart, which holds it in binary, in the digits it was given in."""
    return number(Decimal(str(value)))


def megabytes(size: int) -> Markdown:
    """Return bytes in megabytes with one decimal."""
    return number(Decimal(f"{size / 1_000_000:.1f}"))


def money_text(value: float) -> str:
    """Return an amount of a table, which holds it in binary, with two decimals and no currency sign."""
    return amount_text(Decimal(f"{value:.2f}"))


def change_text(value: float) -> str:
    """Return a difference of a table with its sign."""
    return f"+{number_text(value)}" if value > 0 else number_text(value)


def table_second(value: datetime) -> str:
    """Return a moment with seconds as a table has it; its time zone is that of the table."""
    return words.table_time(value, language(), seconds=True)


def field_date() -> Literal["DD/MM/YYYY", "DD-MM-YYYY", "DD.MM.YYYY"]:
    """Return how a date is typed, in the letters of Streamlit."""
    return FIELD_DATES[language()]


def separators() -> str:
    """Return the decimal sign and the sign between thousands, as Plotly takes them."""
    return ".," if language() == "en" else ",."


def clock_time(at: datetime) -> str:
    """Return the time of day with seconds."""
    return words.clock_time(at, language(), zone())


def sandbox_badges(sandboxed: bool) -> list[Markdown]:
    """Return the mark that every page head carries while both systems are the built-in ones."""
    return [f":gray-badge[:material/science: {text('badge_sandbox')}]"] if sandboxed else []


def who(name: str) -> str:
    """Return how the author of a run or a decision is called: the schedule, the console, or a person by name."""
    return term(f"by_{name}") if words.has_term(f"by_{name}") else name
