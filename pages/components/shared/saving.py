"""The button that saves a form: what is pressed is saved, also where the page is left before it was drawn anew.

Whatever a browser sends next ends the drawing that a press began, and a form is drawn from top to bottom before its
button is reached. So a press saves at once what the form has taken in, and is remembered until the form has been drawn
to its button once more: what was entered last comes with that drawing.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from integration.core.errors import IntegrationError
from pages.components.shared import controls
from pages.components.shared.wording import Markdown

PRESSED = "pressed"


def save_button(
    label: Markdown, key: str, kept: dict[str, Any], save: Callable[[], object], icon: str = "save"
) -> bool:
    """Draw the button that saves a form and tell whether the form, as it is drawn now, is to be saved.

    `kept` is what the session holds of the form. `save` keeps what the form had taken in before; it may run twice, and
    where it is refused the drawing finds the same and says so. It must not ask the session, which would end it.
    """

    def pressed() -> None:
        kept[PRESSED] = key
        with suppress(IntegrationError):
            save()

    controls.button(label, type="primary", icon=f":material/{icon}:", key=key, on_click=pressed)
    return was_pressed(kept, key)


def was_pressed(kept: dict[str, Any], key: str) -> bool:
    """Tell once whether the button of a form was pressed, which is not drawn where nothing is left to save."""
    if kept.get(PRESSED) != key:
        return False
    del kept[PRESSED]
    return True
