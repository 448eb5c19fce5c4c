"""The save button of a form. It saves even if the person leaves the page before the rerun ends.

The next message of a browser ends the current run of the script, and a form is drawn from top to bottom before its
button is reached. Therefore the callback of the button saves at once what the form has recorded. The press is
remembered until the script reaches the button again, because that run has the last input.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from integration.core.errors import IntegrationError
from pages.components.shared import controls
from pages.components.shared.wording import Markdown

PRESSED = "pressed"


def save_button(
    label: Markdown, key: str, session_draft: dict[str, Any], save: Callable[[], object], icon: str = "save"
) -> bool:
    """Draw the save button of a form and return whether the form must be saved now.

    `session_draft` is the state of the form in the session. `save` saves what the form recorded so far. It may run
    twice; a refusal is ignored here, because the rerun meets it again and shows it. `save` must not access
    `st.session_state`, because Streamlit may end the run at that access.
    """

    def pressed() -> None:
        session_draft[PRESSED] = key
        with suppress(IntegrationError):
            save()

    controls.button(label, type="primary", icon=f":material/{icon}:", key=key, on_click=pressed)
    return was_pressed(session_draft, key)


def was_pressed(session_draft: dict[str, Any], key: str) -> bool:
    """Return True if the save button of a form was pressed, once. A form without changes draws no button."""
    if session_draft.get(PRESSED) != key:
        return False
    del session_draft[PRESSED]
    return True
