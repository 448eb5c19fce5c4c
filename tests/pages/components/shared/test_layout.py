"""Layout of pages: controls whose state is dropped before the browser answers."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import texts


def picks() -> None:
    import streamlit as st

    from pages.components.shared.layout import select_input

    select_input("fruit", {"": "any", "apple": "Apple", "pear": "Pear"}, "Fruit")
    st.markdown("the rest of the page")
    st.session_state.pop("_fruit", None)


def chooses() -> None:
    import streamlit as st

    from pages.components.shared.layout import choice

    choice("tab", ("pear", "apple"), "pear")
    st.markdown("the rest of the page")
    st.session_state.pop("_tab", None)


@pytest.mark.parametrize("script", [picks, chooses])
def test_an_answer_to_a_control_that_is_gone_meanwhile_breaks_no_page(script: Callable[[], None]) -> None:
    page = AppTest.from_function(script, default_timeout=60).run()
    control = page.selectbox[0] if page.selectbox else page.segmented_control[0]
    page = control.set_value("apple").run()
    assert not page.exception
    assert "the rest of the page" in texts(page)


def lists() -> None:
    import streamlit as st

    from pages.components.shared.layout import page_offset, pages, search, select_input

    find = search("Find")
    fruit = select_input("fruit", {"": "any", "apple": "Apple"}, "Fruit", no_longer=("page", "find"))
    offset = page_offset("page", 30, 10)
    pages("page", 30, 10)
    st.markdown(f"find={find} fruit={fruit} offset={offset}")


def test_a_filter_that_changes_on_a_later_page_shows_the_first_page_without_a_search() -> None:
    page = AppTest.from_function(lists, default_timeout=60)
    page.query_params.update({"page": "2", "find": "pear"})
    page = page.run()
    assert "find=pear fruit= offset=10" in texts(page)

    page = page.selectbox[0].set_value("apple").run()

    assert not page.exception
    assert "find= fruit=apple offset=0" in texts(page)
    assert page.text_input[0].value == ""


def test_a_search_on_a_later_page_shows_its_first_page() -> None:
    page = AppTest.from_function(lists, default_timeout=60)
    page.query_params["page"] = "3"
    page = page.run().text_input[0].set_value(" plum ").run()
    assert "find=plum fruit= offset=0" in texts(page)
    page.query_params["find"] = "fig"  # as Back does
    assert page.run().text_input[0].value == "fig"
