"""The names of objects and fields of the books: shown object by object, and saved together."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.errors import IntegrationError
from integration.flows.settings import BOOKS
from integration.services.systems.objects import HEADER, MANNER, Availability, Name, NamedObject, NamedObjects
from integration.words import has_term
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.downloads import downloads
from pages.components.shared.draft import Edits
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import STATE_STYLES, StateStyle, ask_live, attempt, bottom_bar, mark, note, small
from pages.components.shared.rows import code_caption
from pages.components.shared.saving import save_button, was_pressed
from pages.components.shared.tables import CONFIG, browse
from pages.components.shared.wording import (
    Markdown,
    expected_value,
    field_name,
    flow_name,
    number,
    option_name,
    plain,
    quantity_text,
    text,
)

LONGEST = 40
UNVERIFIED, NARROW = "○", "\u202f"
# Groups whose fields have the captions of another kind of record.
WORDS = {
    "sales_order_line": "line",
    "posting_line": "line",
    "day_page_line": "line",
    "transaction": "line",
    "trade_invoice_line": "line",
    "quotation_line": "line",
    "trade_invoice": "sales_order",
}
# Field groups of an object with two uses, and the titles of all groups in their order.
OF_DAYS = {"day_page": "names_of_day_pages", "day_page_line": "names_of_day_page_lines"}
TITLES = ("names_of_fields", "names_of_lines", *OF_DAYS.values())


class _Draft(Edits):
    """Unsaved names by their paths."""

    def value(self, name: Name) -> str:
        return str(self.changed.get(name.path, name.value))

    def key(self, name: Name) -> str:
        """Return the widget key of a name. The key changes after names were saved or discarded."""
        return f"{name.path}-{self.kept['round']}"


def names_section(app: Application) -> None:
    """Draw the names of the connected books in an expander. They are only read while it is open."""
    with st.expander(text("names_title"), key="names", bind="query-params", icon=":material/label:") as fold:
        if fold.open:
            _names(app)


def names_unsaved(app: Application) -> Markdown:
    """Return the request to save changed names first; empty if no name is changed."""
    return text("names_save_first") if _draft(app).changed else ""


def _draft(app: Application) -> _Draft:
    place = "sandbox" if app.sandbox.is_connected else "real"
    none = {"changed": {}, "refused": {}, "round": 0, "read": 0}
    return _Draft(st.session_state.setdefault(f"names-{place}", none))


def _names(app: Application) -> None:
    draft = _draft(app)
    before = _changed_object_names(draft), bool(draft.changed)
    name = f"names {draft.kept['read']} {sorted(before[0].items())}"
    object_names = ask_live(app, name, lambda: app.names.read(before[0]))
    if object_names is None:
        return
    note(text("names_about"))
    if object_names.cause:
        note(f":orange[:material/info: {text('names_unread')}]")
    downloads("names", lambda: _export_rows(object_names, draft))
    chosen = _overview(object_names, draft)
    if any(
        _is_unverified(name, draft.value(name)) for named_object in object_names.objects for name in named_object.fields
    ):
        note(text("names_about_unverified"))
    _object(chosen, draft)
    if (_changed_object_names(draft), bool(draft.changed)) != before:  # the overview above was drawn before the change
        st.rerun()
    _save_bar(app, object_names, draft)


def _changed_object_names(draft: _Draft) -> dict[str, str]:
    return {
        path: value for path, value in draft.changed.items() if path.startswith(("objects.", "warehouses.", "prices."))
    }


# ---- all objects ----------------------------------------------------------------------------------------------------


def _export_rows(object_names: NamedObjects, draft: _Draft) -> pd.DataFrame:
    """Return every name as a table for a file: object, path, name, default, and availability."""
    lines = [
        (named_object.name, name.path, draft.value(name), name.default or "", str(name.availability))
        for named_object in object_names.objects
        for name in named_object.names
    ]
    return rows_in(["object", "path", "name", "usual", "there"], lines)


def _overview(object_names: NamedObjects, draft: _Draft) -> NamedObject:
    """Draw a row for each object and return the selected object."""
    frame = pd.DataFrame(
        [
            {
                "object": text(f"names_object_{named_object.name}"),
                "code": " ".join(draft.value(name) for name in named_object.object_names[:1]),
                "table": " + ".join(draft.value(name) for name in named_object.object_names[1:3] if draft.value(name)),
                "there": "" if named_object.name == "manner" else _availability_label(named_object.availability),
                "about": " ".join(_counts(named_object)),
            }
            for named_object in object_names.objects
        ]
    )
    columns = {
        "object": CONFIG.TextColumn(text("col_names_object")),
        "code": CONFIG.TextColumn(text("col_code")),
        "table": CONFIG.TextColumn(text("col_names_table")),
        "there": CONFIG.TextColumn(text("col_names_there")),
        "about": CONFIG.TextColumn(text("col_names_about")),
    }
    place = browse(frame, columns, "names_objects", text("names_title"))
    if place is not None:
        st.query_params["object"] = object_names.objects[place].name
    wanted_object = st.query_params.get("object", "")
    return next(
        (named_object for named_object in object_names.objects if named_object.name == wanted_object),
        object_names.objects[0],
    )


def _availability_label(availability: Availability) -> str:
    return f"{_availability_style(availability).sign} {text(f'names_there_{availability}')}"


def _availability_style(availability: Availability) -> StateStyle:
    return STATE_STYLES[
        {
            Availability.PRESENT: "ok",
            Availability.ABSENT: "failed",
            Availability.UNUSED: "off",
            Availability.UNREAD: "unknown",
        }[availability]
    ]


def _counts(named_object: NamedObject) -> list[str]:
    """Return the number of required fields that are missing, and of fields with unverified names."""
    if named_object.availability is Availability.UNUSED:
        return []
    absent = sum(
        name.availability is Availability.ABSENT and _is_required(name, name.value) for name in named_object.fields
    )
    unverified = sum(_is_unverified(name, name.value) for name in named_object.fields)
    signs = {STATE_STYLES["failed"].sign: absent, UNVERIFIED: unverified}
    return [f"{sign}{NARROW}{number(count)}" for sign, count in signs.items() if count]


def _is_required(name: Name, value: str) -> bool:
    """Return True if a field must exist in the books. An optional default that is missing is left out instead."""
    return bool(value) and (name.is_required or value != name.default)


def _is_unverified(name: Name, value: str) -> bool:
    return name.unverified and value == name.default


# ---- one object -----------------------------------------------------------------------------------------------------


def _object(named_object: NamedObject, draft: _Draft) -> None:
    """Draw the codes and tables of an object, and an input for the name of each of its fields."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            small(f"**{text(f'names_object_{named_object.name}')}**")
            if named_object.flows:
                note(text("names_needed_for", flows=", ".join(flow_name(flow) for flow in named_object.flows)))
        usual = [(name, name.default or name.proposed) for name in named_object.names if not name.fixed]
        differing = [(name, value) for name, value in usual if draft.value(name) != value]
        if differing and controls.button(
            text("btn_names_defaults"), type="tertiary", icon=":material/undo:", key="defaults"
        ):
            for name, value in differing:
                draft.record(name.path, value, name.value)
            draft.recreate_widgets()
            st.rerun()
    if has_term(f"names_about_{named_object.name}"):
        note(text(f"names_about_{named_object.name}"))
    _fields(named_object.object_names, draft)
    if named_object.object_names and not draft.value(named_object.object_names[0]):  # an unused object needs no fields
        return
    for title, names in _groups(named_object):
        if title:
            small(f"**{text(title)}**")
        _fields(names, draft)


def _groups(named_object: NamedObject) -> Sequence[tuple[str, tuple[Name, ...]]]:
    if named_object.name == "manner":
        return (("", named_object.fields),)
    groups: dict[str, tuple[Name, ...]] = {}
    for name in named_object.fields:
        group = name.path.partition(".")[0]
        title = OF_DAYS.get(group) or ("names_of_lines" if group.endswith("_line") else "names_of_fields")
        groups[title] = (*groups.get(title, ()), name)
    return tuple((title, groups[title]) for title in TITLES if title in groups)


def _fields(names: Sequence[Name], draft: _Draft) -> None:
    with st.grid(3, min_column_width=190, gap="small"):
        for name in names:
            with st.container(gap=None):
                draft.record(name.path, _field(name, draft), name.value)
                _draw_remarks(name, draft)


def _field(name: Name, draft: _Draft) -> str:
    """Draw one name and return it: a select box if the names of the books are known, otherwise a text field."""
    now, key = draft.value(name), draft.key(name)
    if name.path == "page_strategy":
        ways = ("number", "last_key")
        return str(
            controls.selectbox(
                _label(name),
                ways,
                index=ways.index(now),
                key=key,
                disabled=name.fixed,
                format_func=option_name(lambda strategy: text(f"names_page_strategy_{strategy}")),
            )
        )
    if not name.options:
        entered = controls.text_input(
            _label(name),
            now,
            key=key,
            disabled=name.fixed,
            max_chars=LONGEST,
            autocomplete="off",
            help=text("names_posting_history_about") if name.short == "posting_history" else None,
        )
        return (entered or "").strip()
    codes_by_upper = {code.upper(): code for code in name.options}
    at = codes_by_upper.get(now.upper(), now)
    options = list(dict.fromkeys([*([] if name.is_required else [""]), *name.options, *([at] if at else [])]))
    chosen = controls.selectbox(
        _label(name),
        options,
        index=options.index(at) if at in options else None,
        key=key,
        disabled=name.fixed,
        format_func=option_name(lambda option: _option_label(option, name.options)),
    )
    return now if chosen == at else str(chosen or "")


def _option_label(code: str, options: Mapping[str, str]) -> str:
    if not code:
        return text("names_none")
    return code_caption(code, options) if code in options else text("field_absent", field=code)


def _label(name: Name) -> Markdown:
    group, _, short = name.path.rpartition(".")
    own = {"code": "names_code", "object": "names_code", "table": "names_table", "detail": "names_detail"}
    if group.startswith("objects") or (group in ("warehouses", "prices") and short in ("object", "table")):
        return text(own.get(short, f"names_{short}"))
    if name.path in (*MANNER, HEADER):
        return text(f"names_{short}")
    if short == "number" and (group.endswith("_line") or group == "transaction"):
        return text("field_line_number")
    return plain(field_name(f"{WORDS.get(group, group)}.{short}" if group else short))


def _draw_remarks(name: Name, draft: _Draft) -> None:
    """Draw remarks on a name: that it is missing, the default, a name that would fit, and why it was refused."""
    now = draft.value(name)
    codes = {code.upper() for code in name.options}
    remarks = []
    if (
        bool(now) and now.upper() not in codes
        if codes
        else name.availability is Availability.ABSENT and now == name.value
    ):
        remarks.append(f"{mark('failed' if _is_required(name, now) else 'off')} {text('names_there_absent')}")
    if now != name.default:
        remarks.append(plain(text("names_default", name=name.default)) if name.default else text("names_default_none"))
    elif name.unverified:
        remarks.append(text("names_unverified"))
    if not now and name.proposed:
        remarks.append(plain(text("names_fits", field=code_caption(name.proposed, name.options))))
    if name.fixed:
        remarks.append(text("names_fixed"))
    if remarks:
        note(" · ".join(remarks))
    if name.path in draft.refused:
        note(f":orange[:material/error: {plain(draft.refused[name.path])}]")


# ---- saving ---------------------------------------------------------------------------------------------------------


def _save_bar(app: Application, object_names: NamedObjects, draft: _Draft) -> None:
    """Draw the bar with the changed names, the effect of saving them, and the save button."""
    if not draft.changed:
        if was_pressed(draft.kept, "save_names"):
            _save(app, draft)
        return
    every = {name.path: name for named_object in object_names.objects for name in named_object.names}
    refused = [
        text("names_refused", field=_label(every[path]) if path in every else plain(path), expected=plain(expected))
        for path, expected in draft.refused.items()
    ]
    about = f":orange[{' '.join(refused)}]" if refused else f":gray[{text('names_effect')}]"
    with bottom_bar(f"**{quantity_text('names_changed', len(draft.changed))}.** {about}"):
        if controls.button(text("btn_discard_changes"), type="tertiary", key="discard_names"):
            draft.forget()
            st.rerun()
        by = person()  # read here, because the save must not use the session, see `save_button`
        label = quantity_text("btn_save_names", len(draft.changed))
        if save_button(label, "save_names", draft.kept, lambda: app.names.put(draft.changed, by)):
            _save(app, draft)


def _save(app: Application, draft: _Draft) -> None:
    try:
        app.names.put(draft.changed, person())
    except IntegrationError as error:
        draft.refused.clear()
        draft.refused[error.facts.get("setting", "")] = expected_value(error)
        st.rerun()
    draft.forget()
    draft.kept["read"] += 1  # reads the names from the books again
    with st.spinner(text("names_effect")):
        attempt(lambda: app.connections.check(BOOKS.system))
    st.session_state["said"] = text("saved")
    st.rerun()
