"""The console in the language of its user, on every page, for output and input."""

import re
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from integration import words
from integration.application.application import Application
from integration.words.catalogues import tables
from tests.pages.conftest import preview_products, script, texts

PAGES = (
    "overview",
    "setup",
    "flows",
    "mappings",
    "preview",
    "exceptions",
    "runs",
    "phone",
    "days",
    "stock",
    "logs",
    "administration",
)
CONTROLS = ("selectbox", "multiselect", "text_input", "number_input", "toggle", "metric", "radio", "button_group")
MARKUP = re.compile(r":material/\w+:|:[a-z]+(-badge|-background)?\[")
PLACES = re.compile(r"{\w+}")


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Application:
    """A connected console with a plan that waits."""
    preview_products(connected_application)
    return connected_application


def english_only(language: str) -> set[str]:
    """Return texts of only an English page: texts without facts that read differently in this language."""
    lines = tables().texts.values()
    ours = {words.capital(line[language]) for line in lines}
    texts_en = {words.capital(line["en"]) for line in lines if not PLACES.search(line["en"])}
    return texts_en - ours


def open_page_in(language: str, name: str) -> AppTest:
    """Open a page alone in a language, without the frame, which costs as much as a page."""
    test = script(f"pages/{name}.py")
    test.session_state["framed"] = True
    test.session_state["spoken_language"] = language
    return test.run()


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_in_every_language_and_speaks_no_other(language: str, name: str) -> None:
    test = open_page_in(language, name)

    labels = {str(getattr(element, "label", "")) for kind in CONTROLS for element in test.get(kind)}
    page_texts = {MARKUP.sub("", line).strip("*] ") for line in texts(test).splitlines()} | labels
    assert not test.exception
    assert len(page_texts) > 1
    assert page_texts & english_only(language) == set()


@pytest.mark.usefixtures("shop")
def test_an_english_page_would_be_noticed() -> None:
    assert set(texts(open_page_in("en", "overview")).splitlines()) & english_only("de")


@pytest.mark.usefixtures("shop")
def test_the_frame_speaks_the_language_of_the_address_and_marks_the_page_with_it() -> None:
    test = open_console(lang="de")

    assert "Übersicht" in texts(test)
    assert test.menu_button(key="language").label == "Deutsch"
    assert 'data-language="de"' in scripts(test)
    assert 'data-chosen=""' in scripts(test)  # a link of a colleague is not a choice, and is not kept


@pytest.mark.usefixtures("shop")
def test_a_language_that_was_chosen_is_spoken_at_once() -> None:
    test = open_console()

    test.menu_button(key="language").click("nl").run()

    assert not test.exception
    assert "Overzicht" in texts(test)


@pytest.mark.usefixtures("shop")
def test_a_choice_goes_on_in_the_address_that_asked_for_another_language() -> None:
    test = open_console(lang="de")

    test.menu_button(key="language").click("nl").run()

    assert "Overzicht" in texts(test)
    assert test.query_params["lang"] == "nl"


def test_a_language_that_there_is_not_is_english() -> None:
    assert [words.nearest(locale) for locale in ("nl-BE", "de_AT", "fr-FR", "", None)] == ["nl", "de", "en", "en", "en"]


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("nl", "12,50", "12.50"), ("nl", "1.234,5", "1234.5"), ("de", "1.234", "1234"), ("en", "12.50", "12.50"),
        ("en", "1,234.5", "1234.5"), ("de", "-3", "-3"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_language_writes_it(language: str, text: str, number: str) -> None:
    assert words.read_number(text, language) == Decimal(number)


@pytest.mark.parametrize(
    ("language", "text"),
    [("nl", "12.50"), ("de", "12.50"), ("en", "12,50"), ("en", "1e3"), ("nl", "NaN"), ("de", ""), ("en", "12 EUR")],
)
def test_what_is_no_number_in_a_language_is_not_guessed(language: str, text: str) -> None:
    assert words.read_number(text, language) is None


def open_console(**address: str) -> AppTest:
    """Open the console as a browser does."""
    test = script("app.py")
    for key, value in address.items():
        test.query_params[key] = value
    return test.run()


def scripts(test: AppTest) -> str:
    """Return the scripts that a page sends to the browser."""
    return "".join(element.proto.body for element in test.get("html"))
