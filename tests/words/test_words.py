"""Every text comes from the tables, is complete, and is written as its language writes it."""

import ast
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import streamlit

from integration import words
from integration.core.causes import CAUSES
from integration.core.errors import IntegrationError
from integration.flows.registry import FLOWS
from integration.words.catalogues import FOLDER, tables

ROOT = Path(__file__).parents[2]
PLACES = re.compile(r"{(\w+)}")
TABLES = ("terms.csv", "texts.csv", "errors.csv")
PARTS = ("problem", "data", "do")

VOCABULARY = {
    r"parked": ("geparkeerd|parkeren", "zurück(ge)?stell"),
    r"proven|proof": ("geverifieerd|verificatie", "nachgewiesen|nachweis"),
    r"in doubt": ("onzeker", "ungewiss"),
    r"dismiss(ed)?": ("nege(er|ren)|genegeerd", "ignorier"),
    r"discard\w*": ("verw(erp|orp)", "verw(erf|orf|irf)"),
    r"skipped": ("overgeslagen|overslaan|slaat .* over", "überspr[iu]ng"),
    r"unchanged": ("ongewijzigd", "unverändert"),
    r"previews?": ("voorvert", "vorschau"),
    r"commit(s|ted)?": ("doorvoer|doorgevoerd|voert? .*door", "übernehm|übernimm|übernomm"),
    r"brakes?": ("veiligheidsgren", "sicherheitsgrenze"),
    r"mappings?": ("veldtoewijzing", "feldzuordnung"),
    r"value tables?": ("waardentabel", "wertetabelle"),
    r"flows?": ("gegevensstro", "datenfl"),
    r"expressions?": ("formule", "formel"),
    r"ownership": ("veldbeheer", "feldhoheit"),
    r"debtors?": ("debiteur", "debitor"),
    r"ledger accounts?": ("grootboekrekening|afrondingsrekening", "sachkont|konto für rund"),
    r"collective articles?": ("verzamelartikel", "sammelartikel"),
    r"VAT codes?": ("btw-code", "steuercode"),
    r"VAT numbers?": ("btw-nummer", "ust-idnr"),
    r"reverse charge": ("btw verlegd", "steuerschuldnerschaft des leistungsempfängers"),
    r"branch(es)?": ("filia", "filial"),
    r"tills?": ("kassa", "kasse"),
    r"articles?": ("artikel", "artikel"),
    r"drafts?": ("concept", "entwurf"),
    r"publish\w*": ("publice", "veröffentlich"),
    r"payment methods?": ("betaalwijze", "zahlungsart"),
    r"approv\w+": ("goedkeur|goedgekeurd", "freigabe|freigegeben|freigeben"),
    r"retire\w*|inactive": ("inactief", "inaktiv"),
    r"sandbox": ("testomgeving", "testumgebung"),
    r"causes?": ("oorza", "ursache"),
    r"exceptions": ("uitzondering", "klärungsf"),
    r"postings?": ("boeking", "buchung"),
    r"delivery address(es)?": ("afleveradres", "lieferadresse"),
}
"""Words of `terms.csv` as English texts use them, with the word each other language has for them, in all its forms."""

NEVER = {
    "en": r"!|\b((needs?|waits?|waiting) (for )?a person|by (itself|themselves)"
    r"|please|oops|unfortunately|successful(ly)?|synchronis\w+|centers?|colors?|canceled|email|invalid)\b",
    "nl": r"!|\b(je|jij|jou|jouw|alstublieft|helaas|succesvol|gesynchroniseerd|weggeschreven|waardetabel\w*|expressie"
    r"|eigenaarschap|rem|remmen|stroom|stromen|sandbox|token|timeout"
    r"|bewerker\w*|aanvaard\w*|terzijde|vanzelf|op een persoon)\b",
    "de": r"!|\b(du|dein\w*|bitte|leider|erfolgreich|synchronisiert|verifizier\w*|geparkt|parken|parkt|mwst|reverse"
    r"|dezimalstellen|sandbox|token|timeout|löschen sie den datensatz"
    r"|steuerschlüssel\w*|(aus|ausge)sonder\w*|störungsprobe|von selbst"
    r"|auf eine person)\b",
}
"""Expressions that no text uses: a wrong tone, and words for which `terms.csv` has another."""

ALLOWED = {
    "default_account", "posting_date",  # words of the vocabulary themselves, which have another form there
    "function_regex_replace_about",  # a regular expression is none of ours
}  # fmt: skip

SHOWN = {
    "title", "header", "subheader", "markdown", "write", "caption", "info", "warning", "error", "success", "toast",
    "button", "download_button", "link_button", "menu_button", "popover", "expander", "status", "spinner", "badge",
    "text_input", "text_area", "number_input", "date_input", "time_input", "selectbox", "multiselect", "radio",
    "toggle", "checkbox", "slider", "segmented_control", "pills", "file_uploader", "metric", "tabs", "dialog",
    "progress", "data_editor", "dataframe", "plotly_chart", "table",
    "TextColumn", "NumberColumn", "DatetimeColumn", "DateColumn", "CheckboxColumn", "SelectboxColumn", "ListColumn",
    "MultiselectColumn", "ProgressColumn", "AreaChartColumn", "LineChartColumn", "BarChartColumn", "ButtonColumn",
    "note", "small", "heading",
}  # fmt: skip
"""Calls whose first argument is shown to people; those below show other ones. What `LABELS` names is shown always."""

SHOWN_PLACES = {"head": slice(2), "section": slice(2), "empty": slice(1, 4), "Page": slice(0), "page_link": slice(0)}
LABELS = {"label", "help", "placeholder", "body", "alt", "text", "title", "about", "action"}
MARKUP = re.compile(r":material/\w*:?|\]\([^)]*|`[^`]*`|:[a-z]+(-badge|-background)?\[|&#?\w+;|<[^>]*>")
WORD = re.compile(r"[^\W\d_]{2,}")


def lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Text:
    """One text in its languages; the three sentences of a cause are three texts."""

    key: str
    translations: dict[str, str]


@cache
def all_texts() -> list[Text]:
    """Return every text of the three tables, without those whose English is Streamlit's."""
    keyed = [line for name in ("terms.csv", "texts.csv") for line in lines(name)]
    keyed = [line for line in keyed if not line["key"].startswith("streamlit_")]
    texts = [Text(line["key"], {language: line[language] for language in words.LANGUAGES}) for line in keyed]
    return texts + [
        Text(f"{line['code']}.{part}", {language: line[f"{language}_{part}"] for language in words.LANGUAGES})
        for line in lines("errors.csv")
        for part in PARTS
    ]


def stem(key: str) -> str:
    return key.removesuffix("_one").removesuffix("_other")


def literals(node: ast.expr) -> Iterator[str]:
    """Yield the texts that are written into an expression; those that are looked up or computed are not."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield from (literal for part in parts if isinstance(part, ast.Constant) for literal in literals(part))
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            yield from literals(left)
            yield from literals(right)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            for part in parts:
                yield from literals(part)
        case ast.Dict(keys=keys):
            for key in keys:
                if key is not None:
                    yield from literals(key)


def text_keys(call: ast.Call) -> Iterator[str]:
    """Yield the keys of the tables that a call names outright, also as one of two."""
    if call.args and not isinstance(call.args[0], ast.JoinedStr):
        yield from literals(call.args[0])


def shown_values(call: ast.Call, name: str) -> list[ast.expr]:
    """Return the arguments of a call that people see, as far as the name of the function shows."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    if name not in SHOWN | SHOWN_PLACES.keys() or (isinstance(of, ast.Name) and of.id == "log"):
        return []
    labels = [keyword.value for keyword in call.keywords if keyword.arg in LABELS]
    return call.args[SHOWN_PLACES.get(name, slice(1))] + labels


@cache
def parse_file(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(*folders: str) -> Iterator[tuple[Path, ast.Call, str]]:
    """Yield every call in our own code with the name of the called function."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(parse_file(path)):
                if isinstance(node, ast.Call):
                    callee = node.func
                    yield path, node, callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")


def first_text(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def subclasses(kind: type[IntegrationError]) -> Iterator[type[IntegrationError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def test_what_to_do_never_points_to_a_page_that_is_missing() -> None:
    menu = {line["key"].removeprefix("nav_"): line for line in lines("terms.csv") if line["key"].startswith("nav_")}
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")} | {"brakes"}  # brakes are a tab
    absent = [menu[name] for name in menu if name not in pages and name != "stock"]  # stock is also what a shop has
    wrong = [
        (line["code"], language, page[language])
        for line in lines("errors.csv")
        for language in ("en", "nl", "de")
        for page in absent
        if page[language] in line[f"{language}_do"]
    ]

    assert wrong == []


def test_every_error_has_sentences_for_its_default_code() -> None:
    assert [kind for kind in subclasses(IntegrationError) if not words.has_sentences(kind.default)] == []


def test_every_text_a_page_asks_for_exists() -> None:
    missing = []
    for path, call, name in calls("pages"):
        key = first_text(call)
        if key is None:
            continue
        if name in ("text", "term") and not words.has_term(key):
            missing.append((path.name, key))
        if name == "choice" and not words.has_term(f"choice_{key}"):
            missing.append((path.name, key))

    assert missing == []


def test_no_text_is_taken_for_the_name_of_a_flow() -> None:
    """Call a flow from outside by its name if it has no text of its own."""
    of_flows = [line["key"].removeprefix("flow_") for line in lines("terms.csv") + lines("texts.csv")
                if line["key"].startswith("flow_")]  # fmt: skip
    own = {"any", *FLOWS}
    assert [name for name in of_flows if name.removeprefix("does_").removeprefix("creates_") not in own] == []


@pytest.mark.parametrize("name", TABLES)
def test_no_key_stands_twice(name: str) -> None:
    keys = [line.get("key") or line["code"] for line in lines(name)]

    assert [key for key, times in Counter(keys).items() if times > 1] == []


def test_no_text_error_or_cause_lacks_one_of_the_three_languages() -> None:
    assert [
        (text.key, language)
        for text in all_texts()
        for language, translation in text.translations.items()
        if not translation.strip() or translation != translation.strip()
    ] == []


def test_what_comes_in_two_forms_has_both() -> None:
    keys = {line["key"] for line in lines("texts.csv") + lines("terms.csv")}
    lone = [key for key in keys if key.startswith("count_") and not {f"{stem(key)}_one", f"{stem(key)}_other"} <= keys]
    counted_keys = {key for path, call, name in calls("pages") if name == "quantity_text" for key in text_keys(call)}

    assert lone == []
    assert [key for key in counted_keys if not words.has_count(key)] == []


def test_no_text_of_a_screen_hides_a_term() -> None:
    assert {line["key"] for line in lines("terms.csv")} & {line["key"] for line in lines("texts.csv")} == set()


def test_all_languages_have_the_same_places_to_fill() -> None:
    assert [
        (text.key, language)
        for text in all_texts()
        for language, translation in text.translations.items()
        if set(PLACES.findall(translation)) != set(PLACES.findall(text.translations["en"]))
    ] == []


@pytest.mark.parametrize(("language", "never"), NEVER.items())
def test_no_text_shouts_begs_or_takes_a_word_that_has_another(language: str, never: str) -> None:
    assert [
        (text.key, match[0])
        for text in all_texts()
        if (match := re.search(never, text.translations[language], re.IGNORECASE)) and text.key not in ALLOWED
    ] == []


@pytest.mark.parametrize("english", VOCABULARY)
def test_a_word_of_the_vocabulary_is_the_same_word_in_every_text(english: str) -> None:
    forms_by_language = dict(zip(("nl", "de"), VOCABULARY[english], strict=True))
    spoken = re.compile(rf"\b({english})\b", re.IGNORECASE)

    assert [
        (text.key, language, text.translations[language])
        for text in all_texts()
        if text.key not in ALLOWED and spoken.search(PLACES.sub("", text.translations["en"]))
        for language, forms in forms_by_language.items()
        if not re.search(forms, text.translations[language], re.IGNORECASE)
    ] == []


@pytest.mark.parametrize(
    ("language", "other"),
    [
        ("en", r"\b(put|puts|lay|lays|laid) (it |them |this |plans? )?(aside|away)\b|\bset .{0,30}aside\b"),
        ("nl", r"\b(opzij|weggelegd|weggegooid|apart (gezet|zetten))\b"),
        ("de", r"\b(beiseite|weggelegt|weggeworfen|zurückgelegt|zurücklegen)\b"),
    ],
)
def test_a_plan_is_discarded_and_a_record_is_dismissed_and_neither_has_another_word(language: str, other: str) -> None:
    assert [
        (text.key, match[0])
        for text in all_texts()
        if (match := re.search(other, text.translations[language], re.IGNORECASE))
    ] == []


@pytest.mark.parametrize("stem", ["event_issue_dismissed", "more_dismiss", "exceptions_dismissed"])
def test_buttons_and_sentences_call_a_dismissed_record_so(stem: str) -> None:
    terms = [words.term(stem, language).casefold() for language in ("en", "nl", "de")]

    forms = zip(terms, ("dismiss", "nege(er|ren)|genegeerd", "ignorier"), strict=True)
    assert [term for term, form in forms if not re.search(form, term)] == []


def test_a_result_has_one_word_wherever_it_stands() -> None:
    terms = {line["key"]: line for line in lines("terms.csv")}
    differing = [
        (line["key"], language, line[language])
        for line in lines("texts.csv")
        for result in ("proven", "unchanged", "skipped", "parked", "in_doubt")
        if re.fullmatch(f"(badge|col|show|fact|sum|event)_{result}", line["key"])
        for language in words.LANGUAGES
        if terms[result][language] not in line[language].lower()
    ]

    assert differing == []


def test_a_percent_sign_stands_as_its_language_has_it() -> None:
    wrong = {"en": r"[\d}*]\s+%", "nl": r"[\d}*]\s+%", "de": r"[\d}*]%|[\d}*] %"}  # German: a no-break space

    assert [(text.key, language) for text in all_texts() for language, bad in wrong.items()
            if re.search(bad, text.translations[language]) and not text.key.startswith("axis_")] == []  # fmt: skip


def test_no_page_shows_a_text_that_is_not_in_the_tables() -> None:
    places = [
        (path.name, call.lineno, text)
        for path, call, name in calls("pages")
        for part in shown_values(call, name)
        for text in literals(part)
        if WORD.search(MARKUP.sub(" ", text))
    ]

    assert places == []


def test_a_cause_is_said_in_three_sentences_with_its_facts() -> None:
    explanation = words.say("sku_duplicate", {"article": "0815", "other": "815", "number": "815"})

    assert explanation.problem == "Articles 0815 and 815 both give number 815."
    assert explanation.data.startswith("Both are parked")
    assert explanation.do


def test_a_fact_that_is_missing_is_named_and_never_a_dash() -> None:
    explanation = words.say("record_unreadable", {"key": "5", "field": "price", "system": "mplus", "value": ""}, "nl")
    assert explanation.problem.endswith("bevat niets.")
    assert words.say("sku_duplicate", {}).problem == "Articles not known and not known both give number not known."


def test_a_repair_names_the_button_that_retries_its_records() -> None:
    for language in words.LANGUAGES:
        short = words.term("btn_try_again_short", language)
        assert short in words.say("debtor_blocked", {}, language).do
        assert "R7X" in words.say("debtor_blocked", {"try_again": "R7X"}, language).do


def test_an_unknown_code_is_shown_as_itself() -> None:
    assert words.say("never_heard_of", {}).problem == "never heard of"


def test_systems_numbers_limits_fields_and_times_are_written_for_people() -> None:
    assert words.say("service_unavailable", {"system": "mplus"}).problem.startswith("MplusKASSA is")
    assert "Changes: 12,345; limit: 25%" in words.say("brake_changes", {"count": "12345", "limit": "25 %"}).problem
    assert words.say("field_conflict", {"field": "200/price_incl", "key": "Tent"}).problem == (
        "Price incl. VAT of Tent was changed in both systems."
    )
    stale = words.say("plan_stale", {"time": "2026-03-04T13:05:00+00:00"}, zone=ZoneInfo("Europe/Amsterdam"))
    assert "4 Mar 2026, 14:05:00" in stale.problem


def test_what_does_not_add_up_of_a_day_is_named_in_words() -> None:
    facts = {"key": "2026-10-17 Zeist", "identity": "2", "about": "receipt CASH", "expected": "61.00", "found": "60.00"}
    explanation = words.say("day_gap", {**facts, "difference": "-1.00", "behind": ""}, "nl")

    assert "totalen van de kassa kloppen niet met de documenten. Voor kassabon CASH" in explanation.problem
    assert "Te bekijken documenten: alle van die dag." in explanation.do
    assert words.say("day_gap", {**facts, "behind": "1.1.2026.4107"}).do.count(": 1.1.2026.4107.") == 1


def test_what_an_account_wants_of_a_line_is_named_in_words() -> None:
    line = {"account": "8000", "kind": "Fietsen bonnen"}

    assert words.say("ledger_wants", {**line, "wants": "cost"}).problem.startswith(
        "Ledger account 8000 requires a cost cent"
    )
    assert " an amount in USD " in words.say("ledger_wants", {**line, "wants": "currency=USD"}).problem
    assert " smell " in words.say("ledger_wants", {**line, "wants": "smell"}).problem


def test_rates_and_days_are_written_as_each_language_has_them() -> None:
    rates = {"code": "2", "theirs": "5", "till": "8.5", "books": "9"}

    assert words.say("day_vat_rate_differs", rates, "nl").problem.startswith("Btw-code 2 van de kassa is 8,5%")
    assert "31. Dezember 2026" in words.say("day_period_closed", {"closed": "2026-12-31"}, "de").problem
    title = {"key": "2026-11-28 De Ketting Zeist", "codes": "PIN"}
    assert words.say("day_rows_missing", title, "de").problem.startswith("28.11.2026 De Ketting Zeist ")
    for document in ("2026.7", "20261128"):
        assert words.say("document_rows_missing", {"document": document, "codes": "PIN"}).problem.startswith(
            f"{document} "
        )


@pytest.mark.parametrize(
    ("language", "paid", "gap"), [("en", "1,198.30", "-0.50"), ("nl", "1.198,30", "-0,50"), ("de", "1.198,30", "-0,50")]
)
def test_amounts_in_causes_are_written_as_each_language_has_them(language: str, paid: str, gap: str) -> None:
    two_figures = {"expected": "1198.30", "found": "1197.80", "difference": "-0.5"}
    for code in ("day_gap", "totals_differ"):
        explanation = words.say(code, {**two_figures, "computed": "1197.80"}, language)
        assert paid in explanation.problem
        assert gap in explanation.data
    line = words.say(
        "line_contradicts_itself", {"quantity": "1.5", "price": "798.87", "line_total": "1198.3"}, language
    )
    assert paid in line.problem
    assert ("1.5" if language == "en" else "1,5") in line.problem
    for code in ("payout_late", "reference_of_another", "sale_partly_booked", "shipping_not_exact"):
        assert paid in words.say(code, {"amount": "1198.30"}, language).problem


def test_a_value_that_only_looks_like_an_amount_stays_as_it_is() -> None:
    assert "1198.30" in words.say("record_changed_in_target", {"found": "1198.30", "agreed": "2"}, "nl").problem
    setting = words.say("flow_setting_invalid", {"setting": "on", "expected": "expected_any"}, "nl")
    assert words.term("expected_any", "nl") in setting.do


def test_a_field_of_shipping_names_both_vat_codes_with_their_percentage() -> None:
    facts = {"document": "2026.7", "amount": "6.05", "code": "2", "vat": "accountview 9 2"}

    sentence = words.say("shipping_not_exact", {**facts, "field_vat": "accountview 21 1"}, "nl").problem
    assert "onder btw-code 2 · 9% · AccountView, " in sentence
    assert sentence.endswith("onder btw-code 1 · 21% · AccountView.")


def test_the_till_s_number_of_a_quotation_and_what_came_in_for_a_page_have_their_own_captions() -> None:
    names = ("quotation.number", "quotation_number", "posting.paid", "order.paid", "posting.open")

    assert [words.field_name(name, "nl") for name in names] == [
        "nummer in de kassa", "offertenummer", "betaald", "volledig betaald", "nog open",
    ]  # fmt: skip


def test_the_same_cause_is_said_in_dutch_and_german() -> None:
    assert words.say("plan_stale", {"time": ""}, "nl").data == "Er is niets geschreven."
    assert words.say("plan_stale", {"time": ""}, "de").data == "Es wurde nichts geschrieben."


def test_quantities_take_the_right_form_of_the_noun() -> None:
    assert words.count("article", 1) == "1 article"
    assert words.count("article", 0) == "0 articles"
    assert words.count("btn_commit", 41, system="MplusKASSA") == "Commit 41 changes to MplusKASSA"


def test_values_are_written_as_people_read_them() -> None:
    assert words.value_text(None) == ""
    assert words.value_text(value=True) == "yes"
    assert words.value_text(Decimal("1234.50")) == "1,234.50"
    assert words.value_text(Decimal("1234.50"), "nl") == "1.234,50"
    assert words.value_text(Decimal("0.530")) == "0.53"
    assert words.value_text(("10", "20")) == "10, 20"


def test_fields_have_captions_whatever_form_their_name_has() -> None:
    assert words.field_name("article.price_incl") == "price incl. VAT"
    assert words.field_name("200101/price_incl") == "price incl. VAT"
    assert words.field_name("article.custom:herkomst") == "herkomst"
    assert words.field_name("ART_MEMO") == "ART_MEMO"
    assert (words.field_name("warehouse:2", "nl"), words.field_name("other:2")) == ("magazijn 2", "other:2")


def test_times_are_short_the_nearer_they_are() -> None:
    now = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)

    assert words.moment(now - timedelta(minutes=2), now=now) == "09:40"
    assert words.moment(now - timedelta(days=1), now=now) == "yesterday, 09:42"
    assert words.moment(now - timedelta(days=3), now=now) == "21 Nov, 09:42"
    assert words.moment(now - timedelta(days=400), now=now) == "20 Oct 2025, 09:42"


def test_lengths_of_time_are_exact_where_they_are_short() -> None:
    assert words.duration(0.84) == "0.8 s"
    assert words.duration(190) == "3 minutes"
    assert words.duration(40) == "40 s"


@pytest.mark.parametrize("typed", ["NaN", "Infinity", "-Infinity", "1e5", "9" * 400, "1" + "0" * 15, "", "--1", "½"])
def test_what_no_sum_could_hold_is_no_number(typed: str) -> None:
    assert [words.read_number(typed, language) for language in words.LANGUAGES] == [None, None, None]


def test_no_table_teaches_a_key_that_is_chosen() -> None:
    taught = re.compile(r"\w+/\d|\*/|\w+:\d")
    about = [text for text in all_texts() if re.fullmatch("table_\\w+_about", text.key)]
    assert about
    assert [
        (text.key, language)
        for text in about
        for language, translation in text.translations.items()
        if taught.search(translation)
    ] == []


def test_what_streamlit_says_by_itself_is_translated_from_its_very_text() -> None:
    """A text that a new version of Streamlit words otherwise would stay English."""
    scripts = "".join(path.read_text() for path in (Path(streamlit.__file__).parent / "static/static/js").glob("*.js"))
    assembled = r"Press (Ctrl\+|⌘\+)?Enter to (apply|submit form)|\d+MB per file|file upload"
    assert [own for own in words.of_streamlit("de") if own not in scripts and not re.fullmatch(assembled, own)] == []


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_cause_has_a_headline_without_a_fact_of_a_record(language: str) -> None:
    for code in tables().causes.keys() | CAUSES.keys():
        of_record = dict.fromkeys(words.fact_names(code) - set(words.NAMED_IN_HEADLINES), "R7X")
        shared = {"system": "mplus", "flow": "products"}
        headline = words.headline(code, shared, language)
        assert headline == words.headline(code, {**shared, **of_record}, language), code
        assert not re.search(r"[{}]|R7X|\.$", headline), (code, headline)


@pytest.mark.parametrize(("language", "max_words"), [("en", 8), ("nl", 9), ("de", 9)])
def test_a_headline_is_short_enough_to_be_read_at_a_glance(language: str, max_words: int) -> None:
    headlines = {code: tables().texts.get(f"headline_{code}", {}).get(language, "") for code in tables().causes}
    assert {code: headline for code, headline in headlines.items() if not 0 < len(headline.split()) <= max_words} == {}
