"""The fields of a flow: from which field of the source each comes, and who decides about it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from integration.core.flow import Ownership
from integration.core.records import Field, FieldType, Kind, Value
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Rule
from integration.services import Application
from integration.services.mappings import Published
from integration.services.parts import WITHOUT_OWNER, readable
from integration.words import has_term
from pages.components.flows.source_fields import field_label, source_fields
from pages.components.shared.application import person
from pages.components.shared.draft import asked, editor
from pages.components.shared.layout import attempt, note, section, small, trouble
from pages.components.shared.tables import ROW, Columns
from pages.components.shared.traces import trace_frame
from pages.components.shared.wording import (
    counted,
    field_name,
    flow_text,
    moment,
    plain,
    system_name,
    term,
    text,
    typed_text,
    typed_value,
    who,
)


def fields_tab(app: Application, flow: str) -> None:
    """Draw one row for each field, the way to add one, and why a record has the values it has."""
    published = app.mappings.published(flow)
    draft = _draft(flow, published)
    kinds = app.flows.spec(flow).parts_of(app.flows.as_set(flow))
    sources = {target: _sources(app, flow, source) for target, source in kinds.items()}
    targets = _target_fields(app, flow, list(kinds))
    if targets is None or any(one is None for one in sources.values()):
        return
    made = text("mapping_made", version=published.version, by=who(published.by), moment=moment(published.published_at))
    note(f"{made} · {plain(published.note)}" if published.note else made)
    systems = system_name(app.flows[flow].source), system_name(app.flows[flow].target)
    wrong: list[str] = []
    rules: list[Rule] = [rule for rule in draft["rules"] if _kind(rule.target) not in kinds]
    for kind in kinds:
        mine = [rule for rule in draft["rules"] if _kind(rule.target) is kind]
        if mine:
            section(text(f"fields_{kind}"))
            systems = (system_name(app.flows[flow].source), system_name(app.flows[flow].target))
            rules += _table(
                f"fields-{flow}-{kind}-{draft['round']}", mine, sources[kind] or [], targets, systems, wrong
            )
    order = {rule.target: place for place, rule in enumerate(draft["rules"])}
    mapping = RuleMapping(1, tuple(sorted(rules, key=lambda rule: order[rule.target])))
    for one in wrong:
        note(f":orange[:material/error: {plain(one)}]")
    _add(app, draft, mapping, sources, targets)
    _why(app, flow, mapping)
    _publish_bar(app, flow, published, draft, mapping, wrong)


def _sources(app: Application, flow: str, kind: Kind) -> list[Field] | None:
    """Return what rules can read of a kind: its fields, and what the flow works out; None with the reason on screen."""
    found = source_fields(app, flow, kind)
    return None if found is None else readable(app.flows.spec(flow), kind, found)


def _draft(flow: str, published: Published) -> dict[str, Any]:
    """Return the rules as they are on screen; those of an older version that nobody touched are read anew."""
    draft: dict[str, Any] = st.session_state.setdefault(
        f"rules-{flow}", {"flow": flow, "base": 0, "rules": (), "round": 0}
    )
    if draft["base"] != published.version and not draft.get("changed"):
        draft.update(base=published.version, rules=published.mapping.rules, round=draft["round"] + 1)
    return draft


def _kind(target: str) -> Kind:
    return Kind(target.partition(".")[0])


def _target_fields(app: Application, flow: str, kinds: Sequence[Kind]) -> dict[str, Field] | None:
    """Return the fields of the target by the name a rule has for them, or None with the reason on screen."""
    target = app.flows[flow].target
    name = f"{target} {' '.join(kinds)}"
    found = asked(app, name, lambda: [one for kind in kinds for one in app.lists.fields(target, kind)])
    if found is None:
        return None
    written = app.flows.spec(flow).writable
    named = {f"{one.kind}.{one.name}": one for one in found}
    return {name: one for name, one in named.items() if written is None or name in written}


# ---- the table ------------------------------------------------------------------------------------------------------


def _table(
    key: str,
    rules: Sequence[Rule],
    of: Sequence[Field],
    targets: Mapping[str, Field],
    systems: tuple[str, str],
    wrong: list[str],
) -> list[Rule]:
    """Draw the rules of one kind and return them as they are on screen."""
    names = [one.name for one in of]
    known = ["", *names, *sorted({rule.source for rule in rules if rule.source not in ("", *names)})]
    pointed = st.query_params.get("field", "")
    frame = pd.DataFrame(
        {
            "target": [f"{field_name(rule.target)}{' ←' if rule.target == pointed else ''}" for rule in rules],
            "source": [rule.source for rule in rules],
            "how": [_how(rule) for rule in rules],
            "default": [typed_text(rule.default, _type(targets.get(rule.target))) for rule in rules],
            "ownership": [str(rule.ownership) for rule in rules],
        },
        index=[rule.target for rule in rules],
    )
    if all(_kind(rule.target) in WITHOUT_OWNER for rule in rules):
        frame = frame.drop(columns="ownership")
    columns = _columns(known, of, systems)
    edited = editor(key, frame, columns, text("tab_fields"), disabled=["target", "how"], num_rows="delete")
    by_target = {rule.target: rule for rule in rules}
    return [
        _edited(by_target[str(target)], row, targets.get(str(target)), wrong)
        for target, row in zip(edited.index, edited.fillna("").to_dict("records"), strict=True)
    ]


def _columns(known: Sequence[str], of: Sequence[Field], systems: tuple[str, str]) -> Columns:
    config, (source, target) = st.column_config, systems
    return {
        "target": config.TextColumn(text("col_target", system=target), width=125),
        "source": config.SelectboxColumn(
            text("col_source", system=source),
            options=list(known),
            width=165,
            format_func=lambda name: field_label(of, str(name)),
        ),
        "how": config.TextColumn(text("col_functions"), width=90),
        "default": config.TextColumn(text("col_default"), width=100),
        "ownership": config.SelectboxColumn(
            text("col_ownership"),
            options=[str(one) for one in Ownership],
            required=True,
            width=205,
            format_func=lambda name: text(f"owner_{name}"),
        ),
    }


def _how(rule: Rule) -> str:
    """Return what is done with a value on its way: functions or expression, value table, fixed value."""
    steps = [str(call) for call in rule.functions]
    if rule.expression:
        steps.append(rule.expression)
    if rule.table:
        steps.append(term("how_table", table=table_name(rule.table)))
    if rule.force:
        steps.append(term("how_always"))
    return " → ".join(steps)


def table_name(name: str) -> str:
    """Return how a value table is called."""
    return text(f"table_{name}") if has_term(f"table_{name}") else name


def _edited(rule: Rule, row: Mapping[Any, Any], field: Field | None, wrong: list[str]) -> Rule:
    source = str(row["source"])
    default: Value = rule.default
    given = str(row["default"]).strip()
    if given != typed_text(rule.default, _type(field)):
        try:
            default = _value(given, _type(field))
        except ValueError:
            wrong.append(text("default_wrong", value=given, field=field_name(rule.target)))
    expression = "" if source else rule.expression
    return replace(
        rule,
        source=source,
        default=default,
        expression=expression,
        ownership=Ownership(row.get("ownership", rule.ownership)),
        force=rule.force and default not in (None, ""),
    )


def _type(field: Field | None) -> FieldType:
    return field.type if field else FieldType.TEXT


def _value(given: str, kind: FieldType) -> Value:
    """Return what was typed as a value of the field. Raises ValueError when it is none."""
    value = typed_value(given, kind)
    expected = {FieldType.FLAG: bool, FieldType.NUMBER: Decimal, FieldType.MONEY: Decimal}.get(kind, object)
    if value is not None and not isinstance(value, expected):
        raise ValueError(given)
    return value


# ---- adding, and why ------------------------------------------------------------------------------------------------


def _add(
    app: Application,
    draft: dict[str, Any],
    mapping: RuleMapping,
    sources: Mapping[Kind, list[Field] | None],
    targets: Mapping[str, Field],
) -> None:
    taken = {rule.target for rule in mapping.rules}
    sent = {name for several in app.flows.spec(draft["flow"]).sent_as.values() for name in several}
    free = [name for name in targets if name not in taken and name not in sent]
    with st.container(border=True, gap="small"):
        small(f"**{text('field_add')}**")
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            target = st.selectbox(
                text("col_target", system=_system(app, draft, "target")),
                free,
                index=None,
                key="add_target",
                placeholder=text("choose_field"),
                format_func=lambda name: _target_label(targets[name]),
            )
            of = sources.get(_kind(target) if target else next(iter(sources))) or []
            source = st.selectbox(
                text("col_source", system=_system(app, draft, "source")),
                [one.name for one in of],
                index=None,
                key="add_source",
                placeholder=text("choose_field"),
                format_func=lambda name: field_label(of, name),
            )
            pressed = st.button(text("btn_add_field"), icon=":material/add:", key="add_field")
        if pressed and target and source:
            rules = (*mapping.rules, Rule(target=target, source=source))
            draft.update(rules=rules, round=draft["round"] + 1, changed=True)
            for name in ("add_target", "add_source"):
                del st.session_state[name]
            st.rerun()
        if pressed:
            note(f":orange[:material/error: {text('field_add_both')}]")


def _system(app: Application, draft: Mapping[str, Any], end: str) -> str:
    flow = app.flows[draft["flow"]]
    return system_name(flow.source if end == "source" else flow.target)


def _target_label(field: Field) -> str:
    return f"{text(f'kind_{field.kind}')}: {field.caption}"


def _why(app: Application, flow: str, mapping: RuleMapping) -> None:
    source = system_name(app.flows[flow].source)
    with st.container(border=True, gap="small"):
        small(f"**{text('btn_why')}**")
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            code = st.text_input(
                flow_text("why_of", flow, source=source), key="why_code", width=260, autocomplete="off"
            )
            if st.button(text("btn_show"), icon=":material/account_tree:", key="why_show"):
                st.session_state[f"why_of_{flow}"] = (code or "").strip()
        asked_for = st.session_state.get(f"why_of_{flow}", "")
        if not asked_for:
            note(text("why_about"))
            return
        found: list[Any] = []
        with st.spinner(text("why_wait")):
            good = attempt(lambda: found.extend(app.drafts.why(flow, asked_for, mapping)))
        if not good:
            trouble(*st.session_state.pop("failure"))
        elif not found:
            note(flow_text("why_unknown", flow, source=source, code=plain(asked_for)))
        else:
            st.dataframe(trace_frame(found), hide_index=True, row_height=ROW, alt=text("btn_why"))


# ---- publishing -----------------------------------------------------------------------------------------------------


def _publish_bar(
    app: Application, flow: str, published: Published, draft: dict[str, Any], mapping: RuleMapping, wrong: Sequence[str]
) -> None:
    before = {rule.target: rule for rule in published.mapping.rules}
    after = {rule.target: rule for rule in mapping.rules}
    changed = [target for target in {**before, **after} if before.get(target) != after.get(target)]
    draft["changed"] = bool(changed)
    if not changed:
        return
    named = ", ".join(field_name(target) for target in changed[:3]) + (" …" if len(changed) > 3 else "")  # noqa: PLR2004
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown(
            f"**{counted('fields_changed', len(changed))}:** {plain(named)}. :gray[{text('publish_effect')}]",
            width="stretch",
        )
        said = st.text_input(
            text("publish_note"),
            placeholder=text("publish_note"),
            key="publish_note",
            width=220,
            label_visibility="collapsed",
            autocomplete="off",
        )
        if st.button(text("btn_discard_changes"), type="tertiary", key="discard_fields"):
            draft.update(base=0, changed=False)
            st.rerun()
        label = text("btn_publish_version", version=published.version + 1)
        if st.button(label, type="primary", icon=":material/publish:", key="publish", disabled=bool(wrong)):
            base, words = draft["base"], (said or "").strip() or named
            if attempt(lambda: app.mappings.publish(flow, mapping, base, person(), words)):
                draft.update(base=0, changed=False)
                st.session_state["said"] = text("published", version=published.version + 1)
            st.rerun()
