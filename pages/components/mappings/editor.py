"""The editor of one mapping rule: its source, its functions, and the explanation of its value in a record."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import streamlit as st

from integration.core.flow import Ownership
from integration.core.records import FieldType, Value
from integration.core.rules import EMPTY, Rule, Unmapped
from integration.core.traces import Trace, TraceStep
from integration.flows.functions.toolbox import IN_EXPRESSIONS, LONGEST_EXPRESSION
from integration.services.mappings.mappings import kind_of
from integration.services.mappings.trials import Trial
from integration.words import has_term
from pages.components.mappings.functions import FunctionChoices, chain
from pages.components.mappings.mapping import (
    EditorState,
    function_label,
    target_about,
)
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import clear_address, icon_button, keep_in_address, note, small
from pages.components.shared.rows import field_text, step_text, table_step
from pages.components.shared.wording import (
    Markdown,
    field_name,
    field_term,
    issue_reason,
    option_name,
    plain,
    quantity_text,
    reason,
    table_name,
    term,
    text,
    typed_text,
    typed_value,
    value_text,
)

SIDES = ("field", "expression", "fixed")
MAX_WAYS = 5  # lines or parts of a record that are explained
LONGEST_DEFAULT = 500


def rule_editor(editor: EditorState, rule: Rule, choices: FunctionChoices, neighbours: tuple[str, str]) -> None:
    """Draw one rule, and save it in the draft after every change."""
    state = _rule_state(editor, rule)
    key = f"rule-{editor.name}-{rule.target}-{state['round']}"
    with st.container(border=True, gap="small", key=f"editor-{editor.name}"):
        _draw_head(editor, rule, choices, neighbours)
        if rule.target in editor.faults:
            note(f":orange[:material/error: {text('rule_wrong', reason=plain(reason(editor.faults[rule.target])))}]")
        edited = _value_source(editor, rule, choices, key)
        edited = _later_steps(editor, edited, choices, key)
    if edited != rule:
        editor.app.drafts.put_rule(editor.name, edited, person())
        state["rule"] = edited
        st.rerun()


def _rule_state(editor: EditorState, rule: Rule) -> dict[str, Any]:
    """Return the state of the rule on screen. Its widgets are recreated if another person changed the rule."""
    state: dict[str, Any] = st.session_state.setdefault(f"editing-{editor.name}-{rule.target}", {"round": 0})
    if state.get("rule") != rule:
        state.update(rule=rule, round=state["round"] + 1)
    return state


def _draw_head(editor: EditorState, rule: Rule, choices: FunctionChoices, neighbours: tuple[str, str]) -> None:
    drafts, (before, after) = editor.app.drafts, neighbours
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain(field_name(rule.target))}**")
            note(plain(target_about(choices.target)))
        if icon_button("chevron_left", text("rule_before"), "rule_before", shortcut="p", disabled=not before):
            show_rule(before)
        if icon_button("chevron_right", text("rule_after"), "rule_after", shortcut="n", disabled=not after):
            show_rule(after)
        if rule.target in editor.changed and icon_button(
            "undo", text("rule_restore"), "rule_restore", disabled=controls.are_disabled()
        ):
            drafts.restore_rule(editor.name, rule.target, person())
            st.rerun()
        if icon_button("delete", text("rule_remove"), "rule_remove", disabled=controls.are_disabled()):
            drafts.remove_rule(editor.name, rule.target, person())
            show_rule("")


def show_rule(target: str) -> None:
    """Show another rule."""
    keep_in_address("field", target)
    st.rerun()


# ---- the source of the value ----------------------------------------------------------------------------------------


def _value_source(editor: EditorState, rule: Rule, choices: FunctionChoices, key: str) -> Rule:
    side = _source_side(rule)
    chosen = controls.segmented_control(
        text("rule_from"),
        SIDES,
        default=side,
        required=True,
        key=f"{key}-side",
        label_visibility="collapsed",
        format_func=lambda option: text(f"rule_from_{option}"),
        width="stretch",
    )
    match chosen or side:
        case "expression":
            return replace(rule, source="", functions=(), expression=_expression(rule, choices, key))
        case "fixed":
            return replace(rule, source="", functions=(), expression="", table="")
        case _:
            return _from_field(editor, rule, choices, key)


def _source_side(rule: Rule) -> str:
    if rule.expression:
        return "expression"
    return "fixed" if not rule.source and not rule.functions and rule.default not in EMPTY else "field"


def _from_field(editor: EditorState, rule: Rule, choices: FunctionChoices, key: str) -> Rule:
    source_names = [source_field.name for source_field in choices.sources]
    options = ["", *source_names, *([rule.source] if rule.source and rule.source not in source_names else [])]
    source = controls.selectbox(
        text("rule_source", system=editor.source),
        options,
        index=options.index(rule.source),
        key=f"{key}-source",
        format_func=option_name(choices.field_label),
    )
    return replace(rule, source=source or "", expression="", functions=chain(rule.functions, choices, key))


def _expression(rule: Rule, choices: FunctionChoices, key: str) -> str:
    area, pick, call = f"{key}-expression", f"{key}-pick", f"{key}-call"
    if area not in st.session_state:
        st.session_state[area] = rule.expression
    entered = (
        controls.text_area(
            text("rule_expression"),
            key=area,
            height=96,
            max_chars=LONGEST_EXPRESSION,
            help=text("expression_about"),
        )
        or ""
    )
    with st.container(horizontal=True, gap="xsmall"):
        controls.selectbox(
            text("insert_field"),
            [source_field.name for source_field in choices.sources],
            index=None,
            key=pick,
            placeholder=text("insert_field"),
            format_func=option_name(choices.field_label),
            label_visibility="collapsed",
            on_change=_insert,
            args=(area, pick, _expression_name),
        )
        controls.selectbox(
            text("insert_function"),
            IN_EXPRESSIONS,
            index=None,
            key=call,
            placeholder=text("insert_function"),
            format_func=option_name(lambda name: f"{name}() · {function_label(name)}"),
            label_visibility="collapsed",
            on_change=_insert,
            args=(area, call, "{}()".format),
        )
    return entered.strip()


def _expression_name(name: str) -> str:
    """Return the name of a field as an expression reads it."""
    return name if name.isidentifier() else f'field("{name}")'


def _insert(area: str, pick: str, formatter: Any) -> None:
    """Append the chosen field or function to the expression."""
    chosen = st.session_state.get(pick)
    if chosen:
        st.session_state[area] = f"{st.session_state.get(area, '')} {formatter(chosen)}".strip()
        st.session_state[pick] = None


# ---- value table, default and owner ---------------------------------------------------------------------------------


def _later_steps(editor: EditorState, rule: Rule, choices: FunctionChoices, key: str) -> Rule:
    if (st.session_state.get(f"{key}-side") or _source_side(rule)) != "fixed":
        rule = _table(editor, rule, choices, key)
    rule = _default(rule, choices, key)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if kind_of(rule.target).owned:
            owners = list(Ownership)
            owner = controls.selectbox(
                text("col_ownership"),
                owners,
                index=owners.index(rule.ownership),
                key=f"{key}-owner",
                format_func=option_name(lambda option: text(f"owner_{option}")),
                help=meaning("field_ownership"),
                width=256,
            )
            rule = replace(rule, ownership=owner)
        longest = controls.number_input(
            text("rule_max_length"),
            1,
            None,
            rule.max_length,
            1,
            key=f"{key}-length",
            help=text("max_length_about"),
            placeholder=text("no_limit"),
            width=168,
        )
    return replace(rule, max_length=int(longest) if longest else None)


def _table(editor: EditorState, rule: Rule, choices: FunctionChoices, key: str) -> Rule:
    names = [*choices.tables, *(ruled.table for ruled in editor.mapping.rules if ruled.table)]
    options = list(dict.fromkeys(["", *sorted(names)]))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        table = (
            controls.selectbox(
                text("rule_table"),
                options,
                index=options.index(rule.table),
                key=f"{key}-table",
                accept_new_options=True,
                format_func=option_name(lambda name: table_name(name) if name else text("no_table")),
                help=meaning("value_table"),
            )
            or ""
        )
        if not table:
            return replace(rule, table="", unmapped=Unmapped.PARK)
        cases = list(Unmapped)
        unmapped = controls.selectbox(
            text("rule_unmapped"),
            cases,
            index=cases.index(rule.unmapped),
            key=f"{key}-unmapped",
            format_func=option_name(lambda option: text(f"unmapped_{option}")),
        )
    _rows_of(editor, table)
    return replace(rule, table=table.strip(), unmapped=unmapped)


def _rows_of(editor: EditorState, table: str) -> None:
    """Draw the number of rows of a table, the codes without a row, and the link to the table."""
    missing = editor.app.exceptions.unmapped(editor.name, table)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        sentence = quantity_text("table_rows", len(editor.app.rules.tables().get(table, {})))
        if missing:
            sentence += f" · :orange[{text('table_missing', values=plain(', '.join(list(missing)[:3])))}]"
        st.markdown(f":small[:gray[{sentence}]]", width="stretch")
        if st.button(text("btn_open_table"), icon=":material/table_rows:", type="tertiary", key="open_table"):
            clear_address("part", "table")
            st.query_params.update(part="tables", table=table)
            st.rerun()


def _default(rule: Rule, choices: FunctionChoices, key: str) -> Rule:
    fixed = (st.session_state.get(f"{key}-side") or _source_side(rule)) == "fixed"
    now, force = typed_text(rule.default, choices.type), rule.force
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        entered = (
            controls.text_input(
                text("rule_value" if fixed else "rule_default"),
                now,
                key=f"{key}-default",
                max_chars=LONGEST_DEFAULT,
                placeholder="" if fixed else text("nothing"),
                autocomplete="off",
            )
            or ""
        )
        default = rule.default if entered == now else typed_value(entered, choices.type)
        if not fixed:
            force = controls.toggle(
                text("rule_force"), rule.force, key=f"{key}-force", disabled=default in EMPTY, help=text("force_about")
            )
    numeric = choices.type in (FieldType.NUMBER, FieldType.MONEY)
    if numeric and isinstance(default, str) and not isinstance(typed_value(default, FieldType.NUMBER), Decimal):
        wrong = text("default_wrong", value=plain(entered), field=plain(field_term(rule.target)))
        note(f":orange[:material/error: {wrong}]")
    return replace(rule, default=default, force=bool(force) and default not in EMPTY)


# ---- explanation ----------------------------------------------------------------------------------------------------


def why_box(editor: EditorState, rule: Rule, trial: Trial | None, record_name: str) -> None:
    """Draw how a rule computes its value for the chosen record."""
    with st.container(border=True, gap="small"):
        small(f"**{text('why_value')}** :gray[{plain(record_name)}]")
        if trial is None:
            note(text("try_none"))
            return
        if rule.target in editor.faults:
            note(f":orange[:material/error: {plain(reason(editor.faults[rule.target]))}]")
            return
        traces = trial.traces_of_field(rule.target)
        if not traces:
            note(text("why_off" if rule.table and not editor.app.rules.tables().get(rule.table) else "why_not_there"))
        for trace in traces[:MAX_WAYS]:
            _trace_table(editor, trace)
        if len(traces) > MAX_WAYS:
            note(text("and_more", number=len(traces) - MAX_WAYS))


def _trace_table(editor: EditorState, trace: Trace) -> None:
    """Draw the steps of one value as a table that ends with the value, or the reason why it is missing."""
    rows = {
        f"{place}\\. {plain(table_step(editor.app, editor.flow, step) or step_label(step))}": _value_markdown(
            step_text(editor.app, editor.flow, trace.target, step)
        )
        for place, step in enumerate(trace.steps, 1)
    }
    if trace.issue is None:
        rows[f"**{text('why_result')}**"] = (
            f"**{_value_markdown(field_text(editor.app, editor.flow.target, trace.target, trace.value))}**"
        )
    if rows:
        st.table(rows, border="horizontal", alt=text("why_value"))
    if trace.issue is not None:
        note(f":orange[:material/pause_circle: {plain(issue_reason(trace.issue))}]")


def _value_markdown(value: Value) -> Markdown:
    return plain(value_text(value)) if value not in EMPTY else f":gray[{term('empty_value')}]"


def step_label(step: TraceStep) -> str:
    """Return the label of one step: the caption of a field or the name of a function."""
    description = step.operation
    if has_term(f"field_{description.partition(':')[0]}"):
        return field_name(description)
    name, _, rest = description.partition("(")
    if has_term(f"function_{name}"):
        return function_label(name) + (f" ({rest}" if rest else "")
    if has_term(f"way_{description}"):
        return text(f"way_{description}")
    table = description.removeprefix("table ")
    return text("way_table", table=table_name(table)) if table != description else description
