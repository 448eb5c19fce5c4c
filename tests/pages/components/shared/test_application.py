"""Errors while a page is drawn, as the page shows them."""

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.shared.application import names_no_page
from tests.pages.conftest import texts


def refreshes() -> None:
    import streamlit as st

    from pages.components.shared.application import refreshing

    @refreshing(60)
    def part() -> None:
        if wrong := st.session_state.get("wrong"):
            raise ValueError(wrong)
        st.markdown("all is well")

    part()
    st.markdown("and the rest of the page")


def asks() -> None:
    import streamlit as st

    from pages.components.shared.application import guarded

    def part() -> None:
        if wrong := st.session_state.get("wrong"):
            raise ValueError(wrong)
        st.markdown("all is well")

    st.dialog("A question")(guarded(part))()
    st.markdown("and the rest of the page")


def failing(script: Callable[[], None], language: str = "en") -> AppTest:
    test = AppTest.from_function(script)
    test.session_state["wrong"] = "no words for operators"
    test.session_state["spoken_language"] = language
    return test.run()


@pytest.mark.parametrize("script", [refreshes, asks])
def test_a_part_that_fails_says_so_in_its_place_and_the_page_goes_on(script: Callable[[], None]) -> None:
    test = failing(script)

    page_text = texts(test)
    assert "This part of the page could not be shown, number" in page_text
    assert "Runs are not affected" in page_text
    assert "and the rest of the page" in page_text
    assert not test.exception
    assert "no words for operators" not in page_text
    test.session_state["wrong"] = ""
    assert "all is well" in texts(test.run())


@pytest.mark.parametrize(("language", "expected"), [("nl", "Dit deel van de pagina"), ("de", "Dieser Teil der Seite")])
def test_a_part_that_fails_speaks_the_language_of_the_operator(language: str, expected: str) -> None:
    assert expected in texts(failing(refreshes, language))


def test_a_failure_keeps_its_number_while_it_lasts() -> None:
    test = failing(refreshes)
    first = re.findall(r"number (\w{8})", texts(test))

    assert re.findall(r"number (\w{8})", texts(test.run())) == first
    test.session_state["wrong"] = "another"
    assert re.findall(r"number (\w{8})", texts(test.run())) != first


def test_a_page_that_fails_says_so_in_words_and_never_shows_its_trace() -> None:
    def page() -> None:
        from pages.components.shared.application import failed

        failed(ValueError("what only a developer reads"))

    test = AppTest.from_function(page).run()

    assert re.search(r"This page could not be shown, number \w{8}\.", texts(test))
    assert "developer" not in texts(test)
    assert not test.exception


@pytest.mark.parametrize(
    ("url", "is_page"),
    [
        ("http://shop:8501/", True), ("http://shop:8501/runs?run=1", True), ("http://shop:8501/overview", True),
        ("", True), ("http://shop:8501/nowhere", False), ("http://shop:8501/runs/nowhere", False),
    ],
)  # fmt: skip
def test_an_address_names_a_page_of_the_menu_or_none(url: str, *, is_page: bool) -> None:
    assert names_no_page(url, ["", "runs"]) is not is_page
