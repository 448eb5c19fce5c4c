"""Every text comes from the tables, is complete, and is written as its language writes it."""

import ast
import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from integration import words
from integration.catalogues import FOLDER
from integration.core.errors import IntegrationError

ROOT = Path(words.__file__).parent.parent
PLACES = re.compile(r"{(\w+)}")
SAYS = {"Issue", "Skip", "Brake"}


def lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(*folders: str) -> Iterator[tuple[Path, ast.Call, str]]:
    """Yield every call in our own code with the name of what is called."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.Call):
                    called = node.func
                    yield path, node, called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def first_text(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


@cache
def codes_in_use() -> dict[str, Path]:
    """Return every code of the catalogue that our code names, with a file that does."""
    found: dict[str, Path] = {}
    says = SAYS | {kind.__name__ for kind in subclasses(IntegrationError)} | {"Parked"}
    for path, call, name in calls("integration"):
        if "sandbox" in path.parts:
            continue
        named = first_text(call)
        if named is not None and name in says and re.fullmatch(r"[a-z][a-z0-9_]+", named):
            found[named] = path
        for keyword in call.keywords:
            value = keyword.value
            if keyword.arg == "cause" and isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[value.value] = path
    return {code: path for code, path in found.items() if code}


def subclasses(kind: type[IntegrationError]) -> Iterator[type[IntegrationError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def test_every_code_the_code_base_names_has_its_three_sentences() -> None:
    missing = {code: str(path.relative_to(ROOT)) for code, path in codes_in_use().items() if not words.known(code)}

    assert not missing


def test_what_to_do_never_points_to_a_page_that_is_not_there() -> None:
    menu = {line["key"].removeprefix("nav_"): line for line in lines("terms.csv") if line["key"].startswith("nav_")}
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")} | {"brakes"}  # brakes are a tab
    absent = [menu[name] for name in menu if name not in pages and name != "stock"]  # stock is also what a shop has
    wrong = [
        (line["code"], language, page[language])
        for line in lines("errors.csv")
        if line["code"] in codes_in_use()
        for language in ("en", "nl", "de")
        for page in absent
        if page[language] in line[f"{language}_do"]
    ]

    assert wrong == []


def test_every_error_has_sentences_for_its_default_code() -> None:
    assert [kind for kind in subclasses(IntegrationError) if not words.known(kind.default)] == []


def test_every_text_a_page_asks_for_exists() -> None:
    missing = []
    for path, call, name in calls("pages"):
        key = first_text(call)
        if key is None:
            continue
        if name in ("text", "term") and not words.has_term(key):
            missing.append((path.name, key))
        if name == "counted" and not words.has_count(key):
            missing.append((path.name, key))

    assert missing == []


@pytest.mark.parametrize("name", ["terms.csv", "texts.csv", "errors.csv"])
def test_no_key_stands_twice_and_no_english_text_is_empty(name: str) -> None:
    table = lines(name)
    keys = [line.get("key") or line["code"] for line in table]
    english = ("en_what", "en_data", "en_do") if name == "errors.csv" else ("en",)

    assert len(keys) == len(set(keys))
    assert [key for key, line in zip(keys, table, strict=True) if not all(line[column] for column in english)] == []


def test_no_text_of_a_screen_hides_a_term() -> None:
    assert {line["key"] for line in lines("terms.csv")} & {line["key"] for line in lines("texts.csv")} == set()


def test_all_languages_have_the_same_places_to_fill() -> None:
    differing = []
    for line in lines("errors.csv"):
        for part in ("what", "data", "do"):
            english = set(PLACES.findall(line[f"en_{part}"]))
            for language in ("nl", "de"):
                translated = line[f"{language}_{part}"]
                if translated and set(PLACES.findall(translated)) != english:
                    differing.append((line["code"], language, part))

    assert differing == []


def test_no_text_shouts_or_begs() -> None:
    shown = [line["en"] for name in ("terms.csv", "texts.csv") for line in lines(name)]
    shown += [line[f"en_{part}"] for line in lines("errors.csv") for part in ("what", "data", "do")]

    assert [
        one for one in shown if re.search(r"!|\b(please|oops|unfortunately|successful(ly)?)\b", one, re.IGNORECASE)
    ] == []


def test_a_cause_is_said_in_three_sentences_with_its_facts() -> None:
    said = words.say("sku_duplicate", {"article": "0815", "other": "815", "number": "815"})

    assert said.what == "Articles 0815 and 815 both lead to number 815."
    assert said.data.startswith("Both are parked")
    assert said.do


def test_a_fact_that_is_missing_is_a_dash_and_not_a_failure() -> None:
    assert words.say("sku_duplicate", {}).what == "Articles – and – both lead to number –."


def test_an_unknown_code_is_shown_as_itself() -> None:
    assert words.say("never_heard_of", {}).what == "never heard of"


def test_systems_numbers_limits_fields_and_times_are_written_for_people() -> None:
    assert words.say("service_unavailable", {"system": "mplus"}).what.startswith("MplusKASSA is")
    assert "Changes: 12,345; limit: 25%" in words.say("brake_changes", {"count": "12345", "limit": "25 %"}).what
    assert words.say("field_conflict", {"field": "200/price_incl", "key": "Tent"}).what == (
        "Price incl. VAT of Tent was changed in both systems."
    )
    stale = words.say("plan_stale", {"time": "2026-03-04T13:05:00+00:00"}, zone=ZoneInfo("Europe/Amsterdam"))
    assert "4 Mar 2026, 14:05:00" in stale.what


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


def test_times_are_short_the_nearer_they_are() -> None:
    now = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)

    assert words.moment(now - timedelta(minutes=2), now=now) == "09:40"
    assert words.moment(now - timedelta(days=1), now=now) == "yesterday, 09:42"
    assert words.moment(now - timedelta(days=3), now=now) == "21 Nov, 09:42"
    assert words.moment(now - timedelta(days=400), now=now) == "20 Oct 2025, 09:42"


def test_lengths_of_time_are_exact_where_they_are_short() -> None:
    assert words.duration(0.84) == "0.8 s"
    assert words.duration(190) == "3 minutes"
    assert words.duration(40) == "40 seconds"
