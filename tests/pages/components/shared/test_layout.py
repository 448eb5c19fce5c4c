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
