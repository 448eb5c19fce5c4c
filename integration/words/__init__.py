"""All texts for people, in three languages, and the formatting of values in them.

The texts are tables in `data/words`: `errors.csv` (what happened, what it means for the data, what to do),
`terms.csv` (the vocabulary) and `texts.csv` (sentences and labels of the screens), read through gettext. A text
without a translation is shown in English; the tests reject missing translations.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

from babel import dates, lists, numbers

from integration.connectors.systems import SYSTEMS
from integration.core.causes import CAUSES
from integration.core.errors import Reason
from integration.core.prices import term_of
from integration.core.records import Value
from integration.core.vat import read_vat_fact, read_vat_value
from integration.shipped import COMMAND
from integration.words.catalogues import LOCALES, PARTS, catalogue, tables
from integration.words.days import capital as capital
from integration.words.days import clock_time as clock_time
from integration.words.days import long_day as long_day
from integration.words.days import month as month
from integration.words.days import short_day as short_day
from integration.words.days import table_day as table_day
from integration.words.days import table_time as table_time
from integration.words.days import weekday_names as weekday_names
from integration.words.days import weekdays as weekdays
from integration.words.days import whole_day as whole_day

# The name of each language in that language.
LANGUAGES = {"en": "English", "nl": "Nederlands", "de": "Deutsch"}

MISSING = "–"
NAMED_IN_HEADLINES = ("system", "flow")  # facts that are the same for all records of a cause in a flow

# Facts that are amounts in all sentences of causes.
AMOUNTS = (
    "amount", "base", "before", "after", "booked", "charged", "computed", "difference", "found_amount", "highest",
    "ledger", "line_total", "listed", "lowest", "open", "paid", "price", "said", "there",
)  # fmt: skip

# Facts that share the text for a missing fact.
_ABSENT_AS = {**dict.fromkeys(("was", "now", "found", "agreed", "one"), "value"), "highest": "lowest"}

_TYPED_DAYS = {"en": "%d/%m/%Y", "nl": "%d-%m-%Y", "de": "%d.%m.%Y"}
TOO_LARGE = 10**15  # larger numbers are typing mistakes
_NUMBER = re.compile(r"[-+]?[\d.,\u00a0\u202f ]*\d[\d.,\u00a0\u202f ]*")  # parse_decimal also takes "NaN" and "1e3"
_STREAMLIT = "streamlit_"
_DAY_AT_START = re.compile(r"\d{4}-\d{2}-\d{2}(?= |$)")
_PLACE = re.compile(r"{(\w+)}")
_CAPITALS = ("flow", "kind", "role", "field", "fields", "event")  # lower-case words of ours
_Say = Callable[[str, Mapping[str, object]], str]


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences of a cause: what happened, what it means for the data, and what to do. Plain text."""

    problem: str
    data: str
    do: str


def has_sentences(code: str) -> bool:
    """Return True if the catalogue has sentences for this code."""
    return code in tables().causes


def headline(code: str, facts: Mapping[str, str], language: str = "en") -> str:
    """Return the name of a cause. Of `facts`, only `system` and `flow` are used."""
    key = f"headline_{code}"
    if not has_term(key):
        return say(code, facts, language).problem.removesuffix(".")
    fact_texts = {name: _fact(name, facts[name], language, UTC) for name in NAMED_IN_HEADLINES if facts.get(name)}
    return _fill_text(catalogue(language).gettext(key), language, fact_texts)


def say(code: str, facts: Mapping[str, str], language: str = "en", zone: tzinfo = UTC) -> Sentences:
    """Return the three sentences of a cause, filled with its facts in the form of this language.

    A missing fact is replaced by a text that says so. `try_again` is the label of the button that retries the cause;
    without it, the short label of the waiting list is used. An unknown code is shown as it is, so that a person always
    gets an answer.
    """
    if not has_sentences(code):
        return Sentences(code.replace("_", " "), "", "")
    parts = [catalogue(language).pgettext(part, code) for part in PARTS]
    facts = {**facts, "try_again": facts.get("try_again") or term("btn_try_again_short", language)}

    def write(name: str, fact: str) -> str:
        match name:
            case "message":
                return reason(Reason(fact, facts), language)
            case "expected":
                return _fact("amount", reason(Reason(fact, facts), language), language, zone)
            case "found" if facts.get("expected"):  # two figures that are compared, not a value of a field
                return _fact("amount", fact, language, zone)
            case "cause":
                return _nested_cause_text(fact, facts, language, zone)
            case "setting":
                return _written_setting(fact, facts.get("flow", ""), language)
            case _:
                return _fact(name, fact, language, zone)

    return Sentences(*(_fill_places(part, facts, write, language) for part in parts))


def repair_command(code: str, facts: Mapping[str, str]) -> str:
    """Return the command that repairs a cause, as a person types it in the terminal of this process; empty without one.

    Pages show no such command: their reader may have no terminal, or one of another machine.
    """
    command = CAUSES[code].command if code in CAUSES else ""
    return f"{COMMAND} {command.format_map(facts)}" if command else ""


def _nested_cause_text(code: str, facts: Mapping[str, str], language: str, zone: tzinfo) -> str:
    """Return the text of a cause inside another cause: what happened, and what to do."""
    if not has_sentences(code) or "{cause}" in catalogue("en").pgettext("problem", code):
        return code
    message = say(code, {name: fact for name, fact in facts.items() if name != "cause"}, language, zone)
    return f"{message.problem} {message.do}".rstrip()


def reason(why: Reason, language: str = "en") -> str:
    """Return the text of a reason. A text from another system is returned unchanged."""
    ours = why.code.startswith(("reason_", "expected_")) and has_term(why.code)
    return term(why.code, language, **why.facts) if ours else why.code


def fact_names(code: str) -> frozenset[str]:
    """Return the names of the facts in the first sentence of a cause."""
    return frozenset(_PLACE.findall(catalogue("en").pgettext("problem", code))) if has_sentences(code) else frozenset()


def has_term(key: str) -> bool:
    """Return True if there is a term or text with this key."""
    return key in tables().texts


def has_count(key: str) -> bool:
    """Return True if `count` accepts this key, because there is a quantity or text in two forms."""
    return not {f"count_{key}", key}.isdisjoint(tables().plurals)


def term(key: str, language: str = "en", /, **facts: object) -> str:
    """Return a term or text by its key, filled with facts. Raises KeyError for an unknown key.

    Facts that are text are inserted unchanged, because "1.234" may be a formatted Dutch thousand. Only numbers are
    formatted.
    """
    if not has_term(key):
        raise KeyError(key)
    return _fill_text(catalogue(language).gettext(key), language, facts)


def of_streamlit(language: str) -> dict[str, str]:
    """Return Streamlit's own English texts with their translation; each key is the exact English text."""
    return {line["en"]: line[language] for key, line in tables().texts.items() if key.startswith(_STREAMLIT)}


def sentence(key: str, language: str = "en", /, **facts: object) -> str:
    """Return a term or text with a capital first letter, for labels and titles."""
    return capital(term(key, language, **facts))


def count(key: str, number: int, language: str = "en", /, **facts: object) -> str:
    """Return a quantity with its noun in singular or plural: `count("article", 3)` is "3 articles".

    Also for sentences and buttons in two forms: `count("btn_commit", 3, system="the till")`.
    """
    if not has_count(key):
        raise KeyError(key)
    stem = f"count_{key}" if f"count_{key}" in tables().plurals else key
    return _fill_text(catalogue(language).ngettext(stem, stem, number), language, {"count": number, **facts})


def nearest(locale: str | None) -> str:
    """Return the supported language of a browser's locale ("nl-BE" is Dutch), or English."""
    language = (locale or "").replace("_", "-").partition("-")[0].lower()
    return language if language in LOCALES else "en"


def vat_code(code: str, rate: str, system: str, language: str = "en", name: str = "") -> str:
    """Return a VAT code for display, with its percentage and its system if known.

    `name` is the system's name of the code, for places with enough space.
    """
    percent = read_number(rate) if rate else None
    return " · ".join(
        filter(None, (code, name, "" if percent is None else percentage(percent, language), system_name(system)))
    )


def vat_figure(about: str, code: str, rate: str, language: str = "en") -> str:
    """Return the name of a VAT figure of both systems: the `base` or the `vat` of a code of the books.

    The system is left out, so that the name fits on one line beside three columns of amounts.
    """
    return sentence(
        "day_vat_base" if about == "base" else "day_vat_amount", language, code=vat_code(code, rate, "", language)
    )


def system_name(system: str) -> str:
    """Return the display name of a system."""
    known_system = SYSTEMS.get(system)
    return known_system.caption if known_system else system


def field_name(name: str, language: str = "en") -> str:
    """Return the caption of a field by its name or path (`price_incl`, `200101/price_incl`, `article.price_incl`)."""
    bare = name.rpartition("/")[2]
    if priced := _priced_name(bare, language, lambda key, facts: term(key, language, **facts)):
        return priced
    kind, _, short = bare.rpartition(".")
    kind = "sales_order" if kind == "quotation" else kind  # `field_quotation_number` is the number the books assign
    if short.startswith("custom:") or kind.endswith("custom"):
        return short.removeprefix("custom:")
    field, _, code = short.partition(":")  # `warehouse:2` is a field of one warehouse
    for key in (f"field_{kind}_{field}", f"field_{field}"):
        if has_term(key):
            return f"{term(key, language)} {code}".strip()
    return short if short.isupper() else short.replace("_", " ")


def number(value: int | Decimal, language: str = "en") -> str:
    """Return a number with separators, without needless decimals."""
    return numbers.format_decimal(value, format="#,##0.######", locale=LOCALES[language])


def typed_number(value: Decimal, language: str = "en") -> str:
    """Return a number with all its digits for an input field, without thousands separators."""
    return format(value, "f").replace(".", numbers.get_decimal_symbol(LOCALES[language]))


def read_number(text: str, language: str = "en") -> Decimal | None:
    """Return the typed number, or None if it is invalid in this language: "12.50" is invalid in Dutch.

    Numbers of 10^15 and above are typing mistakes and invalid as well.
    """
    if not _NUMBER.fullmatch(text.strip()):
        return None
    try:
        number = numbers.parse_decimal(text.strip(), locale=LOCALES[language], strict=True)
    except numbers.NumberFormatError:
        return None
    return number if abs(number) < TOO_LARGE else None


def read_day(text: str, language: str = "en") -> date | None:
    """Return the typed date in the form of this language or in ISO form; None if it is invalid."""
    for pattern in (_TYPED_DAYS[language], "%Y-%m-%d"):
        try:
            return datetime.strptime(text.strip(), pattern).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def amount_text(value: Decimal, language: str = "en") -> str:
    """Return an amount with at least two decimals and no currency sign."""
    return numbers.format_decimal(value, format="#,##0.00####", locale=LOCALES[language])


def ledger_sides(language: str = "en") -> tuple[str, str]:
    """Return the signs of debit and credit."""
    return term("debit_sign", language), term("credit_sign", language)


def ledger_text(value: Decimal, language: str = "en") -> str:
    """Return an amount on a ledger account, debit positive, with the sign of its side; zero has none."""
    side = ledger_sides(language)[value < 0] if value else ""
    return f"{amount_text(abs(value), language)} {side}".rstrip()


def difference_amount(difference: Decimal, more: str, language: str = "en") -> str:
    """Return a difference without sign, and the side with the larger amount: till or books; empty names none."""
    amount = amount_text(abs(difference), language)
    return term(f"more_{more}", language, amount=amount) if more and difference else amount


def euros(value: Decimal, language: str = "en") -> str:
    """Return an amount of money with the euro sign, to the cent."""
    return numbers.format_currency(value, "EUR", locale=LOCALES[language])


def percentage(value: Decimal, language: str = "en") -> str:
    """Return a percentage in the form of this language."""
    pattern = "#,##0.##\u00a0%" if language == "de" else "#,##0.##%"
    return numbers.format_percent(value / 100, format=pattern, locale=LOCALES[language])


def value_text(value: Value, language: str = "en") -> str:
    """Return a record's value in readable form; empty for no value."""
    match value:
        case None | "" | ():
            return ""
        case bool():
            return term("yes" if value else "no", language)
        case Decimal():
            return amount_text(value, language) if value.as_tuple().exponent == -2 else number(value, language)  # noqa: PLR2004
        case datetime() | date():
            return dates.format_date(value, "medium", locale=LOCALES[language])
        case tuple():
            return ", ".join(value)
        case _:
            return value


def moment(at: datetime, language: str = "en", zone: tzinfo = UTC, now: datetime | None = None) -> str:
    """Return a time in short form: the time of day for today, "yesterday, 17:20", otherwise date and time."""
    local_time, today = at.astimezone(zone), (now or datetime.now(UTC)).astimezone(zone).date()
    time = dates.format_time(local_time, "HH:mm", locale=LOCALES[language])
    if local_time.date() == today:
        return time
    if local_time.date() == today - timedelta(days=1):
        return term("yesterday_at", language, clock=time)
    parts = "MMMd" if local_time.year == today.year else "yMMMd"
    return f"{dates.format_skeleton(parts, local_time, locale=LOCALES[language])}, {time}"


def duration(seconds: float, language: str = "en") -> str:
    """Return a duration in words: below two minutes in seconds, below ten seconds with tenths."""
    ten, two_minutes = 10, 120
    if seconds < two_minutes:
        rounded = round(seconds, 1) if seconds < ten else round(seconds)
        return term("seconds_short", language, seconds=number(Decimal(str(rounded)), language))
    span = dates.format_timedelta(timedelta(seconds=round(seconds)), threshold=2, locale=LOCALES[language])
    return str(span)


def _fill_text(text: str, language: str, facts: Mapping[str, object]) -> str:
    def write(name: str, fact: str) -> str:
        return fact if isinstance(facts[name], str) else _fact(name, fact, language, UTC)

    return _fill_places(text, {name: str(fact) for name, fact in facts.items()}, write, language)


def _fill_places(text: str, facts: Mapping[str, str], write: Callable[[str, str], str], language: str) -> str:
    def fill(place: re.Match[str]) -> str:
        fact = facts.get(place[1], "")
        shown_fact = write(place[1], fact) if fact != "" else _absent_text(place[1], language)
        return capital(shown_fact) if place.start() == 0 and place[1] in _CAPITALS else shown_fact

    return _PLACE.sub(fill, text)


def _absent_text(name: str, language: str) -> str:
    """Return the text in place of a missing fact."""
    key = f"absent_{_ABSENT_AS.get(name, name)}"
    return term(key if has_term(key) else "absent_fact", language)


def fact_text(name: str, fact: str, language: str = "en") -> str:
    """Return a fact of a cause in the form its sentences use. Facts without a format stay unchanged."""
    return _fact(name, fact, language, UTC)


def _fact(name: str, fact: str, language: str, zone: tzinfo) -> str:
    """Format one fact for people. Facts are stored as bare codes, plain numbers and ISO times."""
    writer = _WRITERS.get(name)
    if writer is None:
        return fact
    try:
        return writer(fact, language, zone)
    except (ValueError, InvalidOperation):
        return fact


def _written_time(fact: str, language: str, zone: tzinfo) -> str:
    at = datetime.fromisoformat(fact)
    local_time = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone)
    return dates.format_datetime(local_time, "medium", locale=LOCALES[language])


def _written_term(fact: str, prefix: str, language: str) -> str:
    return term(f"{prefix}_{fact}", language) if has_term(f"{prefix}_{fact}") else fact


def listed(names: Sequence[str], language: str = "en") -> str:
    """Return several names as a list in a sentence: a, b and c."""
    return str(lists.format_list(list(names), locale=LOCALES[language]))


def _written_fields(fact: str, language: str, _zone: tzinfo) -> str:
    captions = [field_name(name.strip(), language) for name in fact.split(",")]
    return lists.format_list(captions, locale=LOCALES[language])


def _written_changed(fact: str, language: str, _zone: tzinfo) -> str:
    return listed([_written_term(kind, "decided_by", language) for kind in fact.split(",")], language)


def setting_name(flow: str, name: str, language: str = "en") -> str:
    """Return the display name of a setting of a flow."""
    return _written_setting(name, flow, language)


def _written_setting(fact: str, flow: str, language: str) -> str:
    name, _, inside = fact.partition(".")
    for end, rest in ((fact.replace(".", "_"), ""), (name, f" {inside}")):
        for key in (f"setting_{flow}_{end}", f"setting_{end}"):
            if has_term(key):
                return f"{term(key, language)}{rest}".rstrip()
    return fact


def _written_about(fact: str, language: str, _zone: tzinfo) -> str:
    """Format the subject of a control total: a document source of the till, and a code, which stays unchanged."""
    of, _, code = fact.partition(" ")
    return f"{_written_term(of, 'kind', language)} {code}".rstrip()


def _written_wants(fact: str, language: str, _zone: tzinfo) -> str:
    name, _, currency = fact.partition("=")
    return term(f"wants_{name}", language, currency=currency) if has_term(f"wants_{name}") else fact


def _written_day(fact: str, language: str, _zone: tzinfo) -> str:
    return str(dates.format_date(date.fromisoformat(fact), "long", locale=LOCALES[language]))


def _written_day_title(fact: str, language: str, _zone: tzinfo) -> str:
    """Format the date at the start of the title of a day; other titles stay unchanged."""
    day = _DAY_AT_START.match(fact)  # not only `fromisoformat`, which accepts a code of eight digits
    return f"{value_text(date.fromisoformat(day[0]), language)}{fact[day.end() :]}" if day else fact


def _written_number(fact: str, language: str, _zone: tzinfo) -> str:
    return number(Decimal(fact), language)


def _written_amount(fact: str, language: str, _zone: tzinfo) -> str:
    return amount_text(Decimal(fact), language)


def _written_limit(fact: str, language: str, _zone: tzinfo) -> str:
    bare = fact.removesuffix("%").strip()
    return percentage(Decimal(bare), language) if fact.endswith("%") else number(Decimal(bare), language)


def _written_value(fact: str, language: str, _zone: tzinfo) -> str:
    """Format the value of any field; a VAT code gets its percentage."""
    vat = read_vat_value(fact)
    return vat_code(*vat, language) if vat else fact


def _written_vat(fact: str, language: str, _zone: tzinfo) -> str:
    return vat_code(*read_vat_fact(fact), language)


_WRITERS: dict[str, Callable[[str, str, tzinfo], str]] = {
    "system": lambda fact, _language, _zone: system_name(fact),
    "source_system": lambda fact, _language, _zone: system_name(fact),
    "target_system": lambda fact, _language, _zone: system_name(fact),
    "flow": lambda fact, language, _zone: _written_term(fact, "flow", language),
    "kind": lambda fact, language, _zone: _written_term(fact, "kind", language),
    "table": lambda fact, language, _zone: _written_term(fact, "table", language),
    "field": _written_fields,
    "fields": _written_fields,
    "target": _written_fields,
    "changed": _written_changed,
    "count": _written_number,
    "total": _written_number,
    "attempts": _written_number,
    "limit": _written_limit,
    "percentage": _written_limit,
    "duration": lambda fact, language, _zone: duration(float(fact.removesuffix("s").strip()), language),
    "time": _written_time,
    "since": _written_time,
    "date": _written_day,
    "day": _written_day,
    "first": _written_day,
    "last": _written_day,
    "key": _written_day_title,
    "document": _written_day_title,
    "closed": _written_day,
    "found_date": _written_day,
    "identity": lambda fact, language, _zone: _written_term(fact, "identity", language),
    "about": _written_about,
    "wants": _written_wants,
    "vat": _written_vat,
    "field_vat": _written_vat,
    "agreed": _written_value,
    "found": _written_value,
    "till": _written_number,
    "books": _written_number,
    "days": _written_number,
    "quantity": _written_number,
    **dict.fromkeys(AMOUNTS, _written_amount),
}


def _priced_name(field: str, language: str, say: _Say) -> str:
    """Return the caption of a price term's field, with or without its kind; empty for any other field."""
    priced = term_of(field) or term_of(field.partition(".")[2])
    if priced is None:
        return ""
    caption = say(f"term_{priced.scope}", {"number": priced.number})
    if priced.period:
        first, last = (value_text(day, language) for day in (priced.period.first, priced.period.last))
        caption = say("term_period", {"term": caption, "first": first, "last": last})
    if priced.minimum:
        caption = say("term_from", {"term": caption, "minimum": priced.minimum})
    return say(f"term_{priced.price_type}", {"term": caption})
