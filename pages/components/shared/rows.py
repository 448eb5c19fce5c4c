"""Captions and inputs for rows of a value table: each part of a key by name, a VAT code with its percentage."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from integration import words
from integration.application.application import Application
from integration.core.flow import Flow
from integration.core.prices import PriceType, term_of
from integration.core.records import RecordType, Value, kinds
from integration.core.rows import EVERY
from integration.core.traces import TraceStep
from integration.core.vat import is_vat_code
from integration.flows.settings import ISO, CodeList, KeyPart, ValueTable
from integration.flows.tables import INCOMPLETE_LISTS, VAT_CODES, VAT_RATES, list_of, list_of_fact
from integration.words import has_term
from integration.words.countries import countries
from pages.components.shared import controls
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    language,
    option_name,
    percentage,
    plain,
    table_name,
    term,
    text,
    value_text,
)


def vat_label(app: Application, system: str, code: str) -> str:
    """Return the label of a VAT code: the code with its percentage and its system."""
    if not code:
        return ""
    return words.vat_code(code, app.lists.captions(system, VAT_RATES).get(code, ""), system, language())


# Amounts of documents and payments, by field and kind. They are shown with cents, even if a system sent none or four
# decimals.
AMOUNTS = frozenset(
    {
        *(f"line.{name}" for name in ("amount", "price", "vat", "vat_base")),
        *(f"{kind}.{name}" for kind in kinds(RecordType.DOCUMENT) for name in ("paid", "open", "redeemed", "rounding")),
        "sales_order.shipping_cost",
        "settlement.amount",
    }
)


def field_text(app: Application, system: str, field: str, value: Value) -> str:
    """Return the value of a field of a system as people read it; a code is followed by its caption."""
    if isinstance(value, Decimal) and field in AMOUNTS:
        return amount_text(value)
    term_field = term_of(field.partition(".")[2])
    if isinstance(value, Decimal) and term_field is not None and term_field.price_type is PriceType.PERCENT:
        return percentage(value)
    if not isinstance(value, str) or not value:
        return value_text(value)
    if is_vat_code(field):
        return vat_label(app, system, value)
    code_list = list_of(field)
    return code_text(app, code_list, value) if code_list and code_list.system == system else value_text(value)


def code_text(app: Application, code_list: CodeList, code: str) -> str:
    """Return a code of a list with its caption, if the caption is known."""
    return code_label(app, code_list, code, app.lists.captions(code_list.system, code_list.name))


def named_facts(
    app: Application, facts: Mapping[str, str], title: str = "", limit: int | None = None
) -> dict[str, str]:
    """Return the facts of a cause as people read them: codes with captions, an article with its name.

    `title` is the title of the only record that the facts are about. If a fact has several codes, the first `limit`
    are named and the others counted; without `limit` all are named.
    """
    article = facts.get("article", "")
    own = title if facts.get("key", article) == article else ""
    return {name: _fact_label(app, name, fact, own, limit) for name, fact in facts.items()}


def _fact_label(app: Application, name: str, fact: str, title: str, limit: int | None) -> str:
    code_list = list_of_fact(name)
    if code_list is None:
        return fact
    if title and title != fact and name == "article":
        return f"{fact} · {title}"
    captions, codes = app.lists.captions(code_list.system, code_list.name), fact.split(", ")
    code_labels = ", ".join(code_label(app, code_list, code, captions) for code in codes[:limit])
    hidden_count = len(codes[limit:]) if limit else 0
    return term("codes_more", codes=code_labels, number=hidden_count) if hidden_count else code_labels


def step_text(app: Application, flow: Flow, target: str, step: TraceStep) -> str:
    """Return the result of a trace step: in the terms of the source up to a value table, then of the target."""
    is_there = step.operation.startswith("table ") or step.operation in ("books_vat_code", "page_vat_code")
    return field_text(app, flow.target if is_there else flow.source, target, step.value)


def table_step(app: Application, flow: Flow, step: TraceStep) -> str:
    """Return the label of a value table step with the row it found, or an empty text for another step."""
    name, _, key = step.operation.removeprefix("table ").partition(" ")
    if not step.operation.startswith("table "):
        return ""
    row = f": {stored_row_label(app, app.flows.spec(flow.name).table(name), key)}" if key else ""
    return f"{text('way_table', table=table_name(name))}{row}"


def captions_of(app: Application, code_list: CodeList) -> Mapping[str, str]:
    """Return the codes of a list with their captions. Waits only briefly if its system has not answered yet."""
    return countries(language()) if code_list.system == ISO else app.lists.captions(code_list.system, code_list.name)


def code_label(app: Application, code_list: CodeList | None, code: str, choices: Mapping[str, str]) -> str:
    """Return the label of a code in a list: countries by name, VAT codes with their percentage."""
    if code_list is not None and code_list.system == ISO:
        name = countries(language()).get(code)
        return f"{name} ({code})" if name else code
    if code_list is not None and code_list.name == VAT_CODES:
        vat_text = words.vat_code(code, "", code_list.system, language(), choices.get(code, ""))
        return vat_text if code in choices else vat_label(app, code_list.system, code)
    return code_caption(code, choices)


def code_caption(code: str, choices: Mapping[str, str]) -> str:
    """Return a code followed by its caption."""
    caption = choices.get(code, "")
    return f"{code} · {caption}" if caption and caption != code else code


def is_in_use(code_list: CodeList | None) -> bool:
    """Return True if a list has only the codes in use, so that another code can be typed."""
    return code_list is not None and code_list.name in INCOMPLETE_LISTS


def dimension_label(
    app: Application, part: KeyPart, value: str, captions_by_mark: Mapping[str, Mapping[str, str]]
) -> str:
    """Return the label of one part of a key. `captions_by_mark` has the captions of its codes by prefix."""
    if value in ("", EVERY):
        return text(f"every_{part.name}") if has_term(f"every_{part.name}") else text("table_every")
    if value in part.options:
        return text(f"part_{part.name}_{value}")
    for dimension in reversed(part.choices):
        codes, bare = captions_by_mark.get(dimension.mark, {}), value.removeprefix(dimension.mark)
        if value.startswith(dimension.mark) and (bare in codes or dimension is part.choices[0]):
            label = code_label(app, dimension.code_list, bare, codes)
            return text("branch_short", branch=label) if dimension.mark else label
    return value


Lists = Mapping[str, Mapping[str, Mapping[str, str]]]  # captions by the name of a part, prefix and code


def row_label(app: Application, table: ValueTable, key: str, lists: Lists) -> str:
    """Return the label of a row: the parts that its key names. An unreadable key is returned unchanged."""
    key_values = table.read(key)
    if key_values is None:
        return key
    shown_parts = [part for part in table.parts if part.is_required or key_values.get(part.name)]
    return " · ".join(
        dimension_label(app, part, key_values.get(part.name, ""), lists.get(part.name, {})) for part in shown_parts
    )


def stored_row_label(app: Application, table: ValueTable, key: str) -> str:
    """Return the label of a row with the captions that are known by now."""
    lists = {
        part.name: {dimension.mark: captions_of(app, dimension.code_list) for dimension in part.choices}
        for part in table.parts
    }
    return row_label(app, table, key, lists)


def part_choice(
    app: Application,
    part: KeyPart,
    captions_by_mark: Mapping[str, Mapping[str, str]],
    key: str,
    among: Sequence[str] = (),
) -> str:
    """Draw the select box of one part of a key, with the options `among` or all; a text field if there is no list."""
    label = part_title(part)
    codes = [
        f"{dimension.mark}{code}" for dimension in part.choices for code in captions_by_mark.get(dimension.mark, {})
    ]
    options = list(dict.fromkeys(among or [*([] if part.is_required else [""]), *codes, *part.options]))
    if part.is_required and not among and not codes:
        return (controls.text_input(label, key=key, autocomplete="off") or "").strip()
    if part.is_required and not among:
        options.append(EVERY)
    chosen = controls.selectbox(
        label,
        options,
        index=None if part.is_required and not among else 0,
        key=key,
        placeholder=text("row_choose"),
        format_func=option_name(lambda value: dimension_label(app, part, value, captions_by_mark)),
        accept_new_options=not among and any(is_in_use(dimension.code_list) for dimension in part.choices),
    )
    return str(chosen or "").strip()


def part_title(part: KeyPart) -> Markdown:
    """Return the caption of one part of a key."""
    return text(f"part_{part.name}") if has_term(f"part_{part.name}") else plain(part.name)
