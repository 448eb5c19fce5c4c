"""How one setting of a flow is asked: a shape for each sort of answer, drawn and taken into the draft.

What a setting is called, its help and its options are texts under its name: `setting_formula`, `about_formula`,
`formula_available`. A flow's own word for it comes first: `setting_stock_branches`, else `setting_branches`.
"""

# ruff: noqa: TID251 - pages speak to the browser, in tables

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

import pandas as pd
import streamlit as st

from integration.services import Application
from integration.words import has_term
from pages.components.shared.draft import Draft, asked, editor, toggle
from pages.components.shared.layout import note
from pages.components.shared.wording import field_date, language, plain, read_number, system_name, text, typed_text

WIDE = 340
LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom a setting is asked for: the flow's draft, and the systems that know the choices."""

    app: Application
    draft: Draft

    @property
    def flow(self) -> str:
        """The flow."""
        return self.draft.flow

    def label(self, name: str) -> str:
        """Return what a setting is called."""
        return text(self._own("setting", name) or f"setting_{name}")

    def about(self, name: str) -> str | None:
        """Return the help of a setting, or None when it needs none."""
        key = self._own("about", name)
        return text(key) if key else None

    def option(self, words: str, value: str) -> str:
        """Return what one option is called; what has no word of ours is shown as the system writes it."""
        key = f"{words}_{value}" if value else "choose_nothing"
        return text(key) if has_term(key) else value.replace("-", " ").capitalize()

    def choices(self, live: "Live") -> dict[str, str]:
        """Return codes and captions as the system has them now; nothing while it does not answer."""
        return (
            asked(self.app, f"{live.system} {live.list}", lambda: self.app.lists.choices(live.system, live.list)) or {}
        )

    def _own(self, kind: str, name: str) -> str:
        bare = name.replace(".", "_")
        return next((key for key in (f"{kind}_{self.flow}_{bare}", f"{kind}_{bare}") if has_term(key)), "")


@dataclass(frozen=True, slots=True)
class Live:
    """A list of codes that one of the two systems keeps."""

    system: str
    list: str


@dataclass(frozen=True, slots=True)
class Only:
    """A setting that is asked only while another one has one of these values."""

    name: str
    among: tuple[object, ...]


class Shape(Protocol):
    """One setting on screen, or several that belong together."""

    @property
    def name(self) -> str:
        """Return the name of the setting; empty for several."""

    @property
    def only(self) -> Only | None:
        """Return when it is asked; None for always."""

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""


def draw(asking: Asking, shape: Shape) -> None:
    """Draw a setting, where it is asked at all, with what is wrong with it."""
    if shape.only is not None and asking.draft.value(shape.only.name) not in shape.only.among:
        return
    shape.draw(asking)
    if shape.name:
        asking.draft.beside(shape.name)


def names(shapes: Sequence[Shape]) -> list[str]:
    """Return the names of the settings that these ask for."""
    return [name for shape in shapes for name in (names(shape.shapes) if isinstance(shape, Together) else [shape.name])]


@dataclass(frozen=True, slots=True)
class Together:
    """Several settings in one line, under a word of their own where there is one."""

    shapes: tuple[Shape, ...]
    title: str = ""
    name: str = ""
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw them and take what is on screen into the draft."""
        with st.container(gap="xsmall"):
            if self.title:
                st.markdown(f":small[**{text(self.title)}** :gray[{text(f'{self.title}_about')}]]")
            with st.container(horizontal=True, gap="medium" if self.title else "small"):
                for shape in self.shapes:
                    draw(asking, shape)


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    name: str
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        toggle(asking.draft, self.name, asking.about(self.name) or "", asking.label(self.name))


@dataclass(frozen=True, slots=True)
class Pick:
    """One of a few options."""

    name: str
    options: tuple[str, ...]
    words: str = ""  # under which the options are called, where it is not the setting's name
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        now = str(asking.draft.value(self.name))
        chosen = st.selectbox(
            asking.label(self.name), self.options, index=self.options.index(now), key=asking.draft.key(self.name),
            format_func=lambda one: asking.option(self.words or self.name, one), help=asking.about(self.name),
        )  # fmt: skip
        asking.draft.put(self.name, chosen)


@dataclass(frozen=True, slots=True)
class Choose:
    """One of a few options that each need a sentence."""

    name: str
    options: tuple[str, ...]
    words: str
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        chosen = st.radio(
            asking.label(self.name), self.options, index=self.options.index(str(asking.draft.value(self.name))),
            key=asking.draft.key(self.name), label_visibility="collapsed",
            format_func=lambda one: (
                f"{text(f'{self.words}_{one}')} :small[:gray[{text(f'{self.words}_{one}_about')}]]"
            ),
        )  # fmt: skip
        asking.draft.put(self.name, chosen)


@dataclass(frozen=True, slots=True)
class Several:
    """Any of a few options; none of them stands for all."""

    name: str
    options: tuple[str, ...]
    words: str = ""
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        now = [str(one) for one in asking.draft.value(self.name)]
        chosen = st.multiselect(
            asking.label(self.name), list(dict.fromkeys([*self.options, *now])), now,
            key=asking.draft.key(self.name), placeholder=text("choose_none_is_all"),
            format_func=lambda one: asking.option(self.words or self.name, one), help=asking.about(self.name),
        )  # fmt: skip
        asking.draft.put(self.name, tuple(chosen))


@dataclass(frozen=True, slots=True)
class Code:
    """One code: from a list of a system where it has one, else as it is typed."""

    name: str
    of: Live | None = None
    none: str = "choose_nothing"  # what no code is called
    width: int | None = None
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        choices = asking.choices(self.of) if self.of else {}
        given = code_field(
            asking.label(self.name), str(asking.draft.value(self.name)), choices, asking.draft.key(self.name),
            none=text(self.none), about=asking.about(self.name),
        )  # fmt: skip
        asking.draft.put(self.name, given)


def code_field(
    label: str,
    now: str,
    choices: Mapping[str, str],
    key: str,
    *,
    none: str,
    about: str | None = None,
    labels: Callable[[str], str] | None = None,
) -> str:
    """Draw a field for one code and return it: from a list where there is one, which keeps a code that it lacks."""
    if not choices:
        given = st.text_input(label, now, key=key, help=about, max_chars=LONGEST_CODE, autocomplete="off")
        return (given or "").strip()
    options = ["", *choices, *([now] if now and now not in choices else [])]
    chosen = st.selectbox(
        label, options, index=options.index(now), key=key, help=about,
        format_func=lambda one: (labels(one) if labels else captioned(one, choices)) if one else none,
    )  # fmt: skip
    return str(chosen or "")


def captioned(code: str, choices: Mapping[str, str]) -> str:
    """Return a code with what its system calls it."""
    caption = choices.get(code, "")
    return f"{code} · {caption}" if caption and caption != code else code


@dataclass(frozen=True, slots=True)
class Codes:
    """Any number of codes, from a list of a system or as they are typed."""

    name: str
    of: Live | None = None
    none: str = "choose_none_is_all"
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        choices = asking.choices(self.of) if self.of else {}
        now = [str(one) for one in asking.draft.value(self.name)]
        chosen = st.multiselect(
            asking.label(self.name), list(dict.fromkeys([*choices, *now])), now, key=asking.draft.key(self.name),
            format_func=lambda one: captioned(one, choices), help=asking.about(self.name),
            placeholder=text(self.none), accept_new_options=not choices,
        )  # fmt: skip
        asking.draft.put(self.name, tuple(str(one).strip() for one in chosen))


@dataclass(frozen=True, slots=True)
class Words:
    """A short text."""

    name: str
    longest: int = LONGEST_CODE
    capitals: bool = False
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        given = st.text_input(
            asking.label(self.name), str(asking.draft.value(self.name)), key=asking.draft.key(self.name),
            max_chars=self.longest, help=asking.about(self.name), autocomplete="off",
        )  # fmt: skip
        given = (given or "").strip()
        asking.draft.put(self.name, given.upper() if self.capitals else given)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    name: str
    least: int
    most: int
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        given = st.number_input(
            asking.label(self.name), self.least, self.most, int(asking.draft.value(self.name)), 1,
            key=asking.draft.key(self.name), help=asking.about(self.name),
        )  # fmt: skip
        asking.draft.put(self.name, int(given or self.least))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in euros."""

    name: str
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        given = st.text_input(
            asking.label(self.name), typed_text(Decimal(f"{asking.draft.value(self.name):.2f}")),
            key=asking.draft.key(f"{self.name}-{language()}"), help=asking.about(self.name), icon=":material/euro:",
            autocomplete="off",
        )  # fmt: skip
        amount = read_number(given or "0")
        if amount is None or amount < 0:
            asking.draft.wrong[self.name] = text("number_wrong", value=given, example=typed_text(Decimal("12.50")))
        else:
            asking.draft.put(self.name, amount)


@dataclass(frozen=True, slots=True)
class Day:
    """A day, or none."""

    name: str
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        now: date | None = asking.draft.value(self.name)
        given = st.date_input(
            asking.label(self.name), now, key=asking.draft.key(self.name), help=asking.about(self.name),
            format=field_date(),
        )  # fmt: skip
        asking.draft.put(self.name, given if isinstance(given, date) else None)


@dataclass(frozen=True, slots=True)
class PerKey:
    """An answer for each code of a list that a system keeps, in a row each."""

    name: str
    keys: Live
    options: Callable[[Asking], Mapping[str, str]]  # codes and captions; nothing when any text will do
    none: str = "choose_nothing"
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        draft, rows, known = asking.draft, dict(asking.draft.value(self.name)), asking.choices(self.keys)
        options = dict(self.options(asking))
        st.markdown(f":small[**{asking.label(self.name)}**]", help=asking.about(self.name))
        found = {}
        for code in dict.fromkeys([*known, *rows]):
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                st.markdown(f":small[{plain(captioned(code, known))}]", width="stretch")
                with st.container(width=WIDE):
                    now = str(rows.get(code, ""))
                    if options:
                        now = options_field(code, now, options, draft.key(f"{self.name}-{code}"), text(self.none))
                    else:
                        now = st.text_input(
                            code, now, key=draft.key(f"{self.name}-{code}"), label_visibility="collapsed",
                            placeholder=text(self.none), autocomplete="off",
                        ) or ""  # fmt: skip
            if now.strip():
                found[code] = now.strip()
        if not known and not rows:
            note(text("no_codes_there", system=system_name(self.keys.system)))
        draft.put(self.name, found)


def options_field(label: str, now: str, options: Mapping[str, str], key: str, none: str) -> str:
    """Draw a choice without a label of its own and return the code chosen."""
    every = ["", *options, *([now] if now and now not in options else [])]
    chosen = st.selectbox(
        label, every, index=every.index(now), key=key, label_visibility="collapsed",
        format_func=lambda one: options.get(one, one) if one else none,
    )  # fmt: skip
    return str(chosen or "")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a code with its answers; the codes are typed or chosen too.

    With one column of answers a row comes to a text, with several to texts by their names.
    """

    name: str
    key: str  # what heads the column of codes
    columns: Mapping[str, Live | tuple[str, ...] | None]  # answers: a list of a system, options, or any text
    keys: Live | None = None
    capitals: bool = False
    words: str = ""
    only: Only | None = None

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        draft, now = asking.draft, dict(asking.draft.value(self.name))
        st.markdown(f":small[**{asking.label(self.name)}**]", help=asking.about(self.name))
        one = next(iter(self.columns)) if len(self.columns) == 1 else ""
        frame = pd.DataFrame(
            {
                "key": list(now),
                **{
                    name: [str(row) if one else str(row.get(name, "")) for row in now.values()] for name in self.columns
                },
            },
            dtype="string",
        )
        config = {"key": self._column(asking, text(self.key), self.keys, [*now])}
        for name, of in self.columns.items():
            config[name] = self._column(asking, text(f"col_{self.name}_{name}"), of, [*frame[name]])
        edited = editor(draft.key(self.name), frame, config, asking.label(self.name), num_rows="dynamic")
        found = {}
        for row in edited.fillna("").to_dict("records"):
            cells = {str(name): str(value).strip() for name, value in row.items()}
            code = cells.pop("key").upper() if self.capitals else cells.pop("key")
            if code and any(cells.values()):
                found[code] = cells[one] if one else cells
        draft.put(self.name, found)

    def _column(self, asking: Asking, title: str, of: Live | tuple[str, ...] | None, now: Sequence[str]) -> object:
        if of is None:
            return st.column_config.TextColumn(title)
        if isinstance(of, tuple):
            return st.column_config.SelectboxColumn(
                title, options=list(of), format_func=lambda one: asking.option(self.words or self.name, str(one))
            )
        choices = asking.choices(of)
        if not choices:
            return st.column_config.TextColumn(title)
        return st.column_config.SelectboxColumn(
            title, options=list(dict.fromkeys([*choices, *now])), format_func=lambda one: captioned(str(one), choices)
        )
