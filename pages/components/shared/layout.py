"""Building blocks of pages: heads, sections, notes, filters, empty states, errors, and the style of each state."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.errors import IntegrationError
from integration.core.states import Step
from pages.components.shared.text_width import text_width
from pages.components.shared.wording import Markdown, option_name, plain, say, text

CACHE_SECONDS = 60

T = TypeVar("T")

BADGE = 36  # pixels of a badge in addition to its word: icon and margins
FIFTHS = 5  # columns of a grid in which two parts share the width unequally
FIFTH, THIRD = 180, 300  # pixels of a part of a page; all parts fit beside each other on a laptop of 1280 pixels
SEARCH = "find"  # name of the search field of a page in its address
LONGEST_PAGE = 9  # most digits of a page number in an address


def note(words: Markdown) -> None:
    """Write secondary text. `words` may contain our own Markdown; foreign text must be escaped."""
    st.markdown(f":small[:gray[{words}]]")


def small(words: Markdown, help_: Markdown | None = None) -> None:
    """Write a line in the text size of tables. `help_` is the tooltip."""
    st.markdown(f":small[{words}]", help=help_)


def head(
    title: Markdown, about: Markdown, badges: Sequence[Markdown] = (), help_: Markdown | None = None
) -> DeltaGenerator:
    """Draw the head of a page and return the container for its buttons. `help_` is the tooltip of the title."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            st.title(" ".join([title, *badges]), anchor=False, help=help_)
            note(about)
        return st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center")


def section(title: Markdown, about: Markdown = "") -> None:
    """Draw the head of a section."""
    st.header(title, anchor=False)
    if about:
        note(about)


def section_with_actions(title: Markdown, about: Markdown = "") -> DeltaGenerator:
    """Draw the head of a section and return the container at its right, for buttons."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width="stretch", gap=None):
            section(title, about)
        return st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center")


def bottom_bar(content: Markdown) -> DeltaGenerator:
    """Draw the bar at the foot of a page with its text, and return the container for its buttons."""
    with st.bottom:
        bar = st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False)
    bar.markdown(content, width="stretch")
    return bar


def clear_address(*names: str) -> None:
    """Remove filters and page numbers from the address and from their controls.

    Such a control is not bound to its parameter, because Streamlit deletes no parameter that is.
    """
    for name in names:
        st.query_params.pop(name, None)
        for key in (name, f"_{name}"):
            st.session_state.pop(key, None)


def keep_in_address(name: str, value: str) -> None:
    """Store a value in the address. An empty value is removed from it."""
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def control_value(name: str, otherwise: Any = "") -> Any:
    """Return the value that a person just chose in a control, or `otherwise` if another rerun dropped it."""
    return st.session_state.get(f"_{name}", otherwise)


def choice(
    name: str,
    options: Sequence[str],
    default: str,
    label: Callable[[str], Markdown] = plain,
    no_longer: Sequence[str] = (),
) -> str:
    """Draw a filter and return the chosen code. The address holds the code, never the label.

    `no_longer` names the parameters of the address that a change of this filter removes.
    """

    def moved() -> None:
        keep_in_address(name, control_value(name))
        clear_address(*no_longer)

    address_value = st.query_params.get(name, default)
    at = address_value if address_value in options else default
    st.session_state[f"_{name}"] = at  # always: in another language this is a new widget without a choice
    chosen = st.segmented_control(
        text(f"choice_{name}"),
        options,
        required=True,
        key=f"_{name}",
        on_change=moved,
        format_func=label,
        label_visibility="collapsed",
        wrap=True,  # German words can be wider than a tablet
    )
    return str(chosen or at)


def select_input(
    name: str,
    options: Mapping[str, str],
    label: Markdown,
    width: int | Literal["stretch"] = 260,
    no_longer: Sequence[str] = (),
    *,
    is_labelled: bool = False,
) -> str:
    """Draw a select box and return the chosen code. `options` has captions by code. For the address, see `choice`."""

    def moved() -> None:
        clear_address(*no_longer)
        keep_in_address(name, control_value(name) or "")

    codes, address_value = list(options), st.query_params.get(name, "")
    st.session_state[f"_{name}"] = (
        address_value if address_value in options else codes[0]
    )  # always: Back changes the address
    selected = st.selectbox(
        label,
        codes,
        key=f"_{name}",
        on_change=moved,
        format_func=option_name(options.__getitem__),
        label_visibility="visible" if is_labelled else "collapsed",
        width=width,
    )
    return str(selected or "")


def search(placeholder: Markdown) -> str:
    """Draw the search field of a page and return its text, which is stored in the address; see `choice`."""

    def moved() -> None:
        keep_in_address(SEARCH, control_value(SEARCH))
        clear_address("page")

    key, address_value = f"_{SEARCH}", st.query_params.get(SEARCH, "")
    if control_value(SEARCH) != address_value:  # Back or a link changed it; a value that is set again stops typing
        st.session_state[key] = address_value
    st.text_input(
        placeholder,
        placeholder=placeholder,
        icon=":material/search:",
        label_visibility="collapsed",
        key=key,
        on_change=moved,
        type="search",
        width="stretch",
    )
    return address_value.strip()


def clear_search() -> NoReturn:
    """Empty the search field and rerun the page."""
    keep_in_address(SEARCH, "")
    st.rerun()


def page_offset(name: str, total: int, size: int) -> int:
    """Return the offset of the shown page of a list, or 0 if the list does not have that page."""
    page_text = st.query_params.get(name, "1")
    offset = (int(page_text) - 1) * size if page_text.isdecimal() and len(page_text) <= LONGEST_PAGE else 0
    return offset if 0 <= offset < total else 0


def pages(name: str, total: int, size: int) -> None:
    """Draw the page numbers below a list with several pages. `page_offset` returns the offset of the chosen one.

    The address has the number.
    """

    def moved() -> None:
        number = control_value(name, 1)
        keep_in_address(name, str(number) if number > 1 else "")

    last, current = -(-total // size), page_offset(name, total, size) // size + 1
    if last > 1:
        if control_value(name, current) != current:  # Back or a filter changed it
            st.session_state[f"_{name}"] = current
        st.pagination(last, default=current, key=f"_{name}", on_change=moved)


def empty(icon: str, title: Markdown, about: Markdown, action: Markdown = "", key: str = "empty") -> bool:
    """Show why a list is empty and what to do next. Return whether the action was pressed."""
    with st.container(border=True, gap="xsmall", horizontal_alignment="center"):
        st.space("xsmall")
        st.markdown(f":gray[:material/{icon}:]", width="content")
        st.markdown(f"**{title}**", width="content")
        st.markdown(f":small[:gray[{about}]]", width="content")
        pressed = st.button(action, key=key) if action else False
        st.space("xsmall")
    return pressed


def no_match(title: Markdown, about: Markdown) -> bool:
    """Show that no row matches the filters. Return whether the button that clears them was pressed."""
    return empty("filter_alt_off", title, about, text("btn_clear_filters"), key="clear")


def icon_button(icon: str, label: Markdown, key: str, *, shortcut: str | None = None, disabled: bool = False) -> bool:
    """Draw a button that is only an icon. Return whether it was pressed. Its label is the tooltip and is read aloud."""
    with st.container(key=f"icon-only-{key}", width="content"):
        return st.button(
            label, icon=f":material/{icon}:", key=key, type="tertiary", help=label, shortcut=shortcut, disabled=disabled
        )


def label_with_object(label: Markdown, thing: Markdown) -> Markdown:
    """Return the label of a button followed by its object, so that a screen reader tells equal buttons apart."""
    return f"{label} **{thing}**"


def show_error(code: str, facts: Mapping[str, str], state: str = "failed") -> None:
    """Show an error: what happened, what it means for the data, and what to do."""
    sentences = say(code, facts)
    icon, colour = ("error", "red") if state == "failed" else ("pause_circle", "orange")
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":{colour}[:material/{icon}:] **{plain(sentences.problem)}**")
        for more in (sentences.data, sentences.do):
            if more:
                small(plain(more))


def result_of(action: Callable[[], T]) -> T | None:
    """Call the action of a button and return its result. After an error, return None; `failures` shows the error."""
    try:
        return action()
    except IntegrationError as error:
        st.session_state["failure"] = (error.code, dict(error.facts))
        return None


def attempt(action: Callable[[], object]) -> bool:
    """Call the action of a button and return whether it succeeded. `failures` shows an error."""
    return result_of(lambda: (action(),)) is not None


def act(action: Callable[[], object]) -> NoReturn:
    """Call the action of a button and rerun the page, which also shows an error."""
    attempt(action)
    st.rerun()


def answer_or_error(ask: Callable[[], T]) -> T | None:
    """Return the answer of a call. After an error, show the error and return None."""
    try:
        return ask()
    except IntegrationError as error:
        show_error(error.code, error.facts)
        return None


def ask_live(app: Application, name: str, ask: Callable[[], T]) -> T | None:
    """Return the answer of a connected system, cached for a minute. After an error, show the error and return None."""
    cached_answers: dict[str, tuple[float, T]] = st.session_state.setdefault("cached_answers", {})
    whole = f"{'sandbox' if app.sandbox.is_connected else 'real'} {name}"
    at, answer = cached_answers.get(whole, (0.0, None))
    if answer is None or time.monotonic() - at > CACHE_SECONDS:
        with st.spinner(text("asking_systems")):
            answer = answer_or_error(ask)
        if answer is not None:
            cached_answers[whole] = (time.monotonic(), answer)
    return answer


def log_aside(files: Sequence[str]) -> None:
    """Name the newest log file that was set aside because it could not be read, while the file exists."""
    if files:
        st.warning(text("log_replaced", file=plain(files[0])), icon=":material/inventory_2:")


def failures() -> None:
    """Show the error of the last button, once."""
    failure = st.session_state.pop("failure", None)
    if failure is not None:
        show_error(*failure)


def show_toast() -> None:
    """Show the confirmation of the last button as a toast, once."""
    if words := st.session_state.pop("said", ""):
        st.toast(plain(words))


def facts_table(rows: Mapping[Markdown, Markdown]) -> None:
    """Draw a table of captions and values; both may contain our own Markdown."""
    st.table({f":gray[{name}]": value for name, value in rows.items()}, border="horizontal")


# ---- states: colour, icon and sign always accompany the word --------------------------------------------------------


Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]


@dataclass(frozen=True, slots=True)
class StateStyle:
    """The style of a state: the name of its colour, its icon, and the sign used where icons are impossible."""

    colour: Colour
    icon: str
    sign: str


STATE_STYLES = {
    **dict.fromkeys(
        ("parked", "interrupted", "park", "day_parked", "held", "done_parked", "done_nothing"),
        StateStyle("orange", "pause_circle", "‖"),
    ),
    **dict.fromkeys(("proven", "done", "on", "ok", "day_equal"), StateStyle("green", "check_circle", "✓")),
    "accepted": StateStyle("violet", "done", "~"),
    "unchanged": StateStyle("gray", "equal", "="),
    "skipped": StateStyle("gray", "skip_next", "»"),
    "in_doubt": StateStyle("violet", "help", "?"),
    "waiting": StateStyle("blue", "approval", "…"),
    "running": StateStyle("blue", "progress_activity", "›"),
    "failed": StateStyle("red", "error", "×"),
    "discarded": StateStyle("gray", "block", "–"),
    "left": StateStyle("gray", "remove", "–"),
    "planned": StateStyle("blue", "schedule", "…"),
    "create": StateStyle("green", "add_circle", "+"),
    "update": StateStyle("blue", "edit", "~"),
    "retire": StateStyle("orange", "archive", "−"),
    "skip": StateStyle("gray", "skip_next", "»"),
    "brake": StateStyle("orange", "front_hand", "!"),
    "off": StateStyle("gray", "block", "–"),
    "unknown": StateStyle("gray", "remove", "–"),
    "alert_critical": StateStyle("red", "error", "×"),
    "alert_warning": StateStyle("orange", "warning", "!"),
    "alert_notice": StateStyle("gray", "info", "i"),
    "day_open": StateStyle("gray", "storefront", "○"),
    "day_waiting": StateStyle("orange", "hourglass_top", "…"),
    "day_closed": StateStyle("blue", "schedule", "›"),
    "day_empty": StateStyle("gray", "remove", "–"),
    "day_left_out": StateStyle("gray", "skip_next", "»"),
    "day_booked": StateStyle("blue", "menu_book", "+"),
    "day_not_posted": StateStyle("violet", "pending", "~"),
    "day_different": StateStyle("red", "error", "×"),
    "day_unknown": StateStyle("violet", "help", "?"),
}

# Line colours for charts and tags, in the light and the dark theme.
COLOURS = {
    "green": ("#00795C", "#3DB893"),
    "gray": ("#66717F", "#94A0AE"),
    "orange": ("#C2610C", "#E58E3C"),
    "violet": ("#9A4FD0", "#A85FF0"),
    "blue": ("#1F4F9E", "#6A9CE8"),
    "red": ("#B4232C", "#E5636B"),
}


def step_state(step: Step) -> str:
    """Return the badge state of one change."""
    return "running" if step is Step.SENT else str(step)


def state_word(state: str) -> Markdown:
    return text(f"badge_{state}")


def state_tag(state: str) -> str:
    """Return the sign and the word of a state, for tables that cannot show icons."""
    return f"{STATE_STYLES[state].sign} {state_word(state)}"


def tint(state: str) -> str:
    """Return the background colour of a tag: the line colour at one fifth opacity suits both themes."""
    return f"{COLOURS[STATE_STYLES[state].colour][0]}33"


def badge(state: str, label: Markdown = "", width: int | Literal["content"] = "content") -> None:
    """Draw the badge of a state, `width` pixels wide in a column. `label` must be our own text, never foreign text."""
    style = STATE_STYLES[state]
    st.badge(label or state_word(state), icon=f":material/{style.icon}:", color=style.colour, width=width)


def badge_width(state: str) -> int:
    """Return the width in pixels of the badge of a state, to align badges in a column."""
    return round(text_width(state_word(state))) + BADGE


def inline(state: str, label: Markdown = "") -> Markdown:
    """Return a state as Markdown for a title or sentence."""
    style = STATE_STYLES[state]
    return f":{style.colour}-badge[:material/{style.icon}: {label or state_word(state)}]"


def mark(state: str) -> Markdown:
    """Return the icon of a state in its colour, as Markdown."""
    style = STATE_STYLES[state]
    return f":{style.colour}[:material/{style.icon}:]"


def line_colour(colour: str) -> str:
    """Return the line colour for the theme that the browser shows."""
    light, dark = COLOURS[colour]
    return dark if st.context.theme.type == "dark" else light
