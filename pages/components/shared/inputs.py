"""How settings are asked on screen: each sort of answer drawn, and taken into the draft."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
import streamlit as st

from integration.flows.forms import (
    LONGEST_CODE,
    Choose,
    Code,
    Codes,
    Day,
    Money,
    PerKey,
    Pick,
    Rows,
    Several,
    Switch,
    Whole,
    Words,
)
from integration.flows.systems import Listed
from integration.services import Application
from integration.words import has_term
from pages.components.shared.draft import Draft, asked, editor, toggle
from pages.components.shared.layout import note
from pages.components.shared.wording import field_date, language, plain, read_number, system_name, text, typed_text

WIDE = 340


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
        key = self._own("setting", name)
        return text(key) if key else name.replace("_", " ").capitalize()

    def about(self, name: str) -> str | None:
        """Return the help of a setting, or None when it needs none."""
        key = self._own("about", name)
        return text(key) if key else None

    def option(self, words: str, value: str) -> str:
        """Return what one option is called; what has no word of ours is shown as the system writes it."""
        key = f"{words}_{value}" if value else "choose_nothing"
        return text(key) if has_term(key) else value.replace("-", " ").capitalize()

    def choices(self, listed: Listed) -> dict[str, str]:
        """Return codes and captions as the system has them now; nothing while it does not answer."""
        system, name = listed
        return asked(self.app, f"{system} {name}", lambda: self.app.lists.choices(system, name)) or {}

    def _own(self, kind: str, name: str) -> str:
        bare = name.replace(".", "_")
        return next((key for key in (f"{kind}_{self.flow}_{bare}", f"{kind}_{bare}") if has_term(key)), "")


def switch(asking: Asking, shape: Switch) -> None:
    """Draw a switch and take what is on screen into the draft."""
    toggle(asking.draft, shape.name, asking.about(shape.name) or "", asking.label(shape.name))


def pick(asking: Asking, shape: Pick, lacking: Collection[str] = ()) -> None:
    """Draw one of a few options and take what is on screen into the draft; what is `lacking` is no option."""
    now = str(asking.draft.value(shape.name))
    options = [one for one in shape.options if one not in lacking or one == now]
    chosen = st.selectbox(
        asking.label(shape.name),
        options,
        index=options.index(now),
        key=asking.draft.key(shape.name),
        format_func=lambda one: asking.option(shape.words or shape.name, one),
        help=asking.about(shape.name),
    )
    asking.draft.put(shape.name, chosen)


def choose(asking: Asking, shape: Choose) -> None:
    """Draw one of a few options with a sentence each and take what is on screen into the draft."""
    chosen = st.radio(
        asking.label(shape.name),
        shape.options,
        index=shape.options.index(str(asking.draft.value(shape.name))),
        key=asking.draft.key(shape.name),
        label_visibility="collapsed",
        format_func=lambda one: f"{text(f'{shape.words}_{one}')} :small[:gray[{text(f'{shape.words}_{one}_about')}]]",
    )
    asking.draft.put(shape.name, chosen)


def several(asking: Asking, shape: Several) -> None:
    """Draw any of a few options and take what is on screen into the draft."""
    now = [str(one) for one in asking.draft.value(shape.name)]
    chosen = st.multiselect(
        asking.label(shape.name),
        list(dict.fromkeys([*shape.options, *now])),
        now,
        key=asking.draft.key(shape.name),
        placeholder=text("choose_none_is_all"),
        format_func=lambda one: asking.option(shape.words or shape.name, one),
        help=asking.about(shape.name),
    )
    asking.draft.put(shape.name, tuple(chosen))


def code(asking: Asking, shape: Code) -> None:
    """Draw one code and take what is on screen into the draft."""
    choices = asking.choices(shape.of) if shape.of else {}
    given = code_field(
        asking.label(shape.name),
        str(asking.draft.value(shape.name)),
        choices,
        asking.draft.key(shape.name),
        none=text(shape.none),
        about=asking.about(shape.name),
    )
    asking.draft.put(shape.name, given)


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
        label,
        options,
        index=options.index(now),
        key=key,
        help=about,
        format_func=lambda one: (labels(one) if labels else captioned(one, choices)) if one else none,
    )
    return str(chosen or "")


def captioned(code: str, choices: Mapping[str, str]) -> str:
    """Return a code with what its system calls it."""
    caption = choices.get(code, "")
    return f"{code} · {caption}" if caption and caption != code else code


def codes(asking: Asking, shape: Codes) -> None:
    """Draw any number of codes and take what is on screen into the draft."""
    choices = asking.choices(shape.of) if shape.of else {}
    now = [str(one) for one in asking.draft.value(shape.name)]
    chosen = st.multiselect(
        asking.label(shape.name),
        list(dict.fromkeys([*choices, *now])),
        now,
        key=asking.draft.key(shape.name),
        format_func=lambda one: captioned(one, choices),
        help=asking.about(shape.name),
        placeholder=text(shape.none),
        accept_new_options=not choices,
    )
    asking.draft.put(shape.name, tuple(str(one).strip() for one in chosen))


def words(asking: Asking, shape: Words) -> None:
    """Draw a short text and take what is on screen into the draft."""
    given = st.text_input(
        asking.label(shape.name),
        str(asking.draft.value(shape.name)),
        key=asking.draft.key(shape.name),
        max_chars=shape.longest,
        help=asking.about(shape.name),
        autocomplete="off",
    )
    given = (given or "").strip()
    asking.draft.put(shape.name, given.upper() if shape.capitals else given)


def whole(asking: Asking, shape: Whole) -> None:
    """Draw a whole number and take what is on screen into the draft."""
    given = st.number_input(
        asking.label(shape.name),
        shape.least,
        shape.most,
        int(asking.draft.value(shape.name)),
        1,
        key=asking.draft.key(shape.name),
        help=asking.about(shape.name),
    )
    asking.draft.put(shape.name, int(given or shape.least))


def money(asking: Asking, shape: Money) -> None:
    """Draw an amount in euros and take what is on screen into the draft."""
    given = st.text_input(
        asking.label(shape.name),
        typed_text(Decimal(f"{asking.draft.value(shape.name):.2f}")),
        key=asking.draft.key(f"{shape.name}-{language()}"),
        help=asking.about(shape.name),
        icon=":material/euro:",
        autocomplete="off",
    )
    amount = read_number(given or "0")
    if amount is None or amount < 0:
        asking.draft.wrong[shape.name] = text("number_wrong", value=given, example=typed_text(Decimal("12.50")))
    else:
        asking.draft.put(shape.name, amount)


def day(asking: Asking, shape: Day) -> None:
    """Draw a day, or none and take what is on screen into the draft."""
    now: date | None = asking.draft.value(shape.name)
    given = st.date_input(
        asking.label(shape.name),
        now,
        key=asking.draft.key(shape.name),
        help=asking.about(shape.name),
        format=field_date(),
    )
    asking.draft.put(shape.name, given if isinstance(given, date) else None)


def per_key(asking: Asking, shape: PerKey, options: Mapping[str, str]) -> None:
    """Draw a row for each code of a list, with these options or any text, and take what is on screen into the draft."""
    draft, rows, known = asking.draft, dict(asking.draft.value(shape.name)), asking.choices(shape.keys)
    st.markdown(f":small[**{asking.label(shape.name)}**]", help=asking.about(shape.name))
    found = {}
    for code in dict.fromkeys([*known, *rows]):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f":small[{plain(captioned(code, known))}]", width="stretch")
            with st.container(width=WIDE):
                now = str(rows.get(code, ""))
                if options:
                    now = options_field(code, now, options, draft.key(f"{shape.name}-{code}"), text(shape.none))
                else:
                    now = (
                        st.text_input(
                            code,
                            now,
                            key=draft.key(f"{shape.name}-{code}"),
                            label_visibility="collapsed",
                            placeholder=text(shape.none),
                            autocomplete="off",
                        )
                        or ""
                    )
        if now.strip():
            found[code] = now.strip()
    if not known and not rows:
        note(text("no_codes_there", system=system_name(shape.keys.system)))
    draft.put(shape.name, found)


def options_field(label: str, now: str, options: Mapping[str, str], key: str, none: str) -> str:
    """Draw a choice without a label of its own and return the code chosen."""
    every = ["", *options, *([now] if now and now not in options else [])]
    chosen = st.selectbox(
        label,
        every,
        index=every.index(now),
        key=key,
        label_visibility="collapsed",
        format_func=lambda one: options.get(one, one) if one else none,
    )
    return str(chosen or "")


def rows(asking: Asking, shape: Rows) -> None:
    """Draw rows of a code with its answers and take what is on screen into the draft."""
    draft, now = asking.draft, dict(asking.draft.value(shape.name))
    st.markdown(f":small[**{asking.label(shape.name)}**]", help=asking.about(shape.name))
    one = next(iter(shape.columns)) if len(shape.columns) == 1 else ""
    frame = pd.DataFrame(
        {
            "key": list(now),
            **{name: [str(row) if one else str(row.get(name, "")) for row in now.values()] for name in shape.columns},
        },
        dtype="string",
    )
    config = {"key": _column(asking, shape, text(shape.key), shape.keys, [*now])}
    for name, of in shape.columns.items():
        config[name] = _column(asking, shape, text(f"col_{shape.name}_{name}"), of, [*frame[name]])
    edited = editor(draft.key(shape.name), frame, config, asking.label(shape.name), num_rows="dynamic")
    found = {}
    for row in edited.fillna("").to_dict("records"):
        cells = {str(name): str(value).strip() for name, value in row.items()}
        code = cells.pop("key").upper() if shape.capitals else cells.pop("key")
        if code and any(cells.values()):
            found[code] = cells[one] if one else cells
    draft.put(shape.name, found)


def _column(asking: Asking, shape: Rows, title: str, of: Listed | Sequence[str] | None, now: Sequence[str]) -> object:
    if of is None:
        return st.column_config.TextColumn(title)
    if not isinstance(of, Listed):
        return st.column_config.SelectboxColumn(
            title, options=list(of), format_func=lambda one: asking.option(shape.words or shape.name, str(one))
        )
    choices = asking.choices(of)
    if not choices:
        return st.column_config.TextColumn(title)
    return st.column_config.SelectboxColumn(
        title, options=list(dict.fromkeys([*choices, *now])), format_func=lambda one: captioned(str(one), choices)
    )
