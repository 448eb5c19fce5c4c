"""The way from a page to the application, and who is form."""

import streamlit as st

from integration import bootstrap
from integration.core.errors import IntegrationError
from integration.services import Application
from pages.components.shared.layout import trouble
from pages.components.shared.wording import text


def application() -> Application:
    """Return the application of this process; a page that was opened without the frame of `app.py` stops here."""
    if not st.session_state.get("framed"):
        st.markdown(f"[{text('open_console')}](/)")
        st.stop()
    return running()


def running() -> Application:
    """Return the application of this process. What keeps it from starting is shown instead of a page."""
    try:
        return bootstrap.application()
    except IntegrationError as error:
        trouble(error.code, error.facts)
        st.stop()


def person() -> str:
    """Return the name under which what is done here is recorded."""
    return "operator"
