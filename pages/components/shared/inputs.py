"""Input widgets for settings: one function for each type of answer, which returns the value for the draft."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from integration.application.application import Application
from integration.core.records import Field, Kind
from integration.flows.forms import (
    LONGEST_CODE,
    Checkbox,
    Code,
    Codes,
    Day,
    IntegerField,
    Money,
    MultiSelect,
    RadioChoice,
    Select,
    SourceField,
    TextField,
)
from integration.flows.settings import ISO, CodeList, ValueTable
from integration.words import has_term
from integration.words.countries import countries
from pages.components.shared import controls
from pages.components.shared.draft import SettingsDraft, toggle
from pages.components.shared.layout import ask_live
from pages.components.shared.rows import code_label, is_in_use
from pages.components.shared.wording import (
    Markdown,
    field_date,
    field_name,
    language,
    option_name,
    plain,
    read_number,
    text,
    typed_text,
)

WIDE = 340


@dataclass(frozen=True, slots=True)
class InputForm:
    """The draft of a flow's settings, and the application that supplies code lists."""

    app: Application
    draft: SettingsDraft

    @property
    def flow(self) -> str:
        """Name of the flow."""
        return self.draft.flow

    def label(self, name: str) -> Markdown:
        """Return the caption of a setting."""
        key = self._own_term("setting", name)
        return text(key) if key else plain(name.replace("_", " ").capitalize())

    def help_text(self, name: str) -> Markdown | None:
        """Return the help text of a setting, or None if it has none."""
        key = self._own_term("about", name)
        return text(key) if key else None

    def option(self, words: str, value: str) -> str:
        """Return the caption of an option. An option without a text of the console is shown as the system writes it."""
        key = f"{words}_{value}" if value else "choose_nothing"
        return text(key) if has_term(key) else value.replace("-", " ").capitalize()

    def choices(self, code_list: CodeList | None) -> dict[str, str]:
        """Return the codes of a list with captions. Empty without a list, or if the system does not answer."""
        return codes_or_error(self.app, code_list) or {}

    def _own_term(self, kind: str, name: str) -> str:
        bare = name.replace(".", "_")
        return next((key for key in (f"{kind}_{self.flow}_{bare}", f"{kind}_{bare}") if has_term(key)), "")


def codes_or_error(app: Application, code_list: CodeList | None) -> dict[str, str] | None:
    """Return the codes of a list with captions, or an empty mapping without a list.

    Returns None if the system does not answer; the reason is shown.
    """
    if code_list and code_list.system == ISO:
        return countries(language())
    return (
        ask_live(
            app, f"{code_list.system} {code_list.name}", lambda: app.lists.choices(code_list.system, code_list.name)
        )
        if code_list
        else {}
    )


def lists_of(app: Application, table: ValueTable) -> dict[str, dict[str, dict[str, str]]] | None:
    """Return the codes of each part of a key, by the name of the part and the prefix of its codes.

    Returns None if a system does not answer; the reason is shown.
    """
    lists_by_part: dict[str, dict[str, dict[str, str]]] = {}
    for part in table.parts:
        codes: dict[str, dict[str, str]] = {}
        for dimension in part.choices:
            captions = codes_or_error(app, dimension.code_list)
            if captions is None:
                return None
            codes[dimension.mark] = {**codes.get(dimension.mark, {}), **captions}
        lists_by_part[part.name] = codes
    return lists_by_part


def switch_input(form: InputForm, shape: Checkbox) -> bool:
    """Draw a switch and return whether it is on."""
    return toggle(form.draft, shape.name, form.help_text(shape.name) or "", form.label(shape.name))


def pick_input(form: InputForm, shape: Select, lacking: Collection[str] = ()) -> str:
    """Draw a select box and return the chosen option. Options in `lacking` are not offered, unless chosen already."""
    now = str(form.draft.value(shape.name))
    options = [option for option in shape.options if option not in lacking or option == now]
    return controls.selectbox(
        form.label(shape.name),
        options,
        index=options.index(now),
        key=form.draft.key(shape.name),
        format_func=option_name(lambda option: form.option(shape.words or shape.name, option)),
        help=form.help_text(shape.name),
    )


def option_input(form: InputForm, shape: RadioChoice) -> str:
    """Draw radio buttons with a sentence for each option, and return the chosen one."""
    return controls.radio(
        form.label(shape.name),
        shape.options,
        index=shape.options.index(str(form.draft.value(shape.name))),
        key=form.draft.key(shape.name),
        label_visibility="collapsed",
        format_func=lambda option: (
            f"{text(f'{shape.words}_{option}')} :small[:gray[{text(f'{shape.words}_{option}_about')}]]"
        ),
    )


def multi_select(form: InputForm, shape: MultiSelect) -> tuple[str, ...]:
    """Draw a select box for several options, and return the chosen ones."""
    now = [str(option) for option in form.draft.value(shape.name)]
    return tuple(
        controls.multiselect(
            form.label(shape.name),
            list(dict.fromkeys([*shape.options, *now])),
            now,
            key=form.draft.key(shape.name),
            placeholder=text("choose_none_is_all"),
            format_func=option_name(lambda option: form.option(shape.words or shape.name, option)),
            help=form.help_text(shape.name),
        )
    )


def code_input(form: InputForm, shape: Code) -> str:
    """Draw a field for one code and return the code."""
    choices = form.choices(shape.of)
    return code_field(
        form.label(shape.name),
        str(form.draft.value(shape.name)),
        choices,
        form.draft.key(shape.name),
        none=text(shape.none),
        labels=lambda code: code_label(form.app, shape.of, code, choices),
        of=shape.of,
        help=form.help_text(shape.name),
    )


def code_field(
    label: Markdown,
    now: str,
    choices: Mapping[str, str],
    key: str,
    *,
    none: str,
    longest: int | None = LONGEST_CODE,
    labels: Callable[[str], str],
    of: CodeList | None = None,
    **look: Any,
) -> str:
    """Draw a field for one code and return the code.

    It is a select box if there is a list, which also offers a current code that the list lacks. If the list `of` has
    only the codes in use, the select box accepts a typed code.
    """
    if not choices:
        return (controls.text_input(label, now, key=key, max_chars=longest, autocomplete="off", **look) or "").strip()
    options = ["", *choices, *([now] if now and now not in choices else [])]
    chosen = controls.selectbox(
        label,
        options,
        index=options.index(now),
        key=key,
        accept_new_options=is_in_use(of),
        **look,
        format_func=option_name(lambda code: labels(code) if code else none),
    )
    return str(chosen or "").strip()


def codes(form: InputForm, shape: Codes) -> tuple[str, ...]:
    """Draw a field for several codes and return the codes."""
    choices = form.choices(shape.of)
    now = [str(code) for code in form.draft.value(shape.name)]
    chosen = controls.multiselect(
        form.label(shape.name),
        list(dict.fromkeys([*choices, *now])),
        now,
        key=form.draft.key(shape.name),
        format_func=option_name(lambda code: code_label(form.app, shape.of, code, choices)),
        help=form.help_text(shape.name),
        placeholder=text(shape.none),
        accept_new_options=not choices,
    )
    return tuple(str(code).strip() for code in chosen)


def words(form: InputForm, shape: TextField) -> str:
    """Draw a short text field and return the text."""
    entered = controls.text_input(
        form.label(shape.name),
        str(form.draft.value(shape.name)),
        key=form.draft.key(shape.name),
        max_chars=shape.longest,
        help=form.help_text(shape.name),
        autocomplete="off",
    )
    typed = (entered or "").strip()
    return typed.upper() if shape.capitals else typed


def whole_input(form: InputForm, shape: IntegerField) -> int:
    """Draw a field for an integer and return the number."""
    entered = controls.number_input(
        form.label(shape.name),
        shape.least,
        shape.most,
        int(form.draft.value(shape.name)),
        1,
        key=form.draft.key(shape.name),
        help=form.help_text(shape.name),
    )
    return max(shape.least, 0) if entered is None else int(entered)  # None: the field is empty


def money(form: InputForm, shape: Money) -> Decimal:
    """Draw a field for an amount in euros and return it. An invalid entry is reported and returns the old amount."""
    draft, name = form.draft, shape.name
    now: Decimal = draft.value(name)
    entered = controls.text_input(
        form.label(name),
        typed_text(Decimal(f"{now:.2f}")),
        key=draft.key(f"{name}-{language()}"),
        help=form.help_text(name),
        icon=":material/euro:",
        autocomplete="off",
    )
    amount = read_number(entered or "0")
    if amount is not None and amount >= 0:
        return amount
    draft.wrong[name] = text("number_wrong", value=entered, example=typed_text(Decimal("12.50")))
    return now


def day_input(form: InputForm, shape: Day) -> date | None:
    """Draw a date field and return the date, or None."""
    now: date | None = form.draft.value(shape.name)
    entered = controls.date_input(
        form.label(shape.name),
        now,
        key=form.draft.key(shape.name),
        help=form.help_text(shape.name),
        format=field_date(),
    )
    return entered if isinstance(entered, date) else None


def source_fields(app: Application, flow: str, kind: Kind) -> list[Field] | None:
    """Return the fields that the source has for a kind of record.

    Returns None if the source does not answer; the reason is shown.
    """
    return fields_or_error(app, app.flows[flow].source, kind)


def fields_read(app: Application, flow: str, kinds: Sequence[Kind]) -> list[Field] | None:
    """Return the fields that the source has for several kinds of record, each name once.

    Returns None if the source does not answer; the reason is shown.
    """
    fields_by_name: dict[str, Field] = {}
    for kind in kinds:
        if (fields := source_fields(app, flow, kind)) is None:
            return None
        fields_by_name = {kind_field.name: kind_field for kind_field in fields} | fields_by_name
    return list(fields_by_name.values())


def fields_or_error(app: Application, system: str, kind: Kind) -> list[Field] | None:
    """Return the fields that a system has for a kind of record.

    Returns None if the system does not answer; the reason is shown.
    """
    return ask_live(app, f"{system} {kind}", lambda: app.lists.fields(system, kind))


def field_label(fields: Sequence[Field], name: str) -> str:
    """Return the label of a source field: its caption with its name, or a text that the field does not exist."""
    labelled_field = next((candidate for candidate in fields if candidate.name == name), None)
    if labelled_field is not None:
        return f"{labelled_field.caption} ({labelled_field.wire or labelled_field.name})"
    return text("field_absent", field=field_name(name)) if name else text("field_none")


def source_field(form: InputForm, shape: SourceField) -> str:
    """Draw a select box for a field of the source and return its name."""
    draft, now = form.draft, str(form.draft.value(shape.name))
    fields = source_fields(form.app, form.flow, shape.kind)
    if fields is None:
        return now
    chosen = code_field(
        form.label(shape.name),
        now,
        {field.name: field_label(fields, field.name) for field in fields},
        draft.key(shape.name),
        none=text("field_none"),
        labels=lambda name: field_label(fields, name),
    )
    if shape.missing and not chosen:
        draft.wrong[shape.name] = text(shape.missing)
    return chosen
