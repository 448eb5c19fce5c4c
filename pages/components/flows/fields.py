"""The fields of a flow: from which field of the source each comes, and who decides about it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from integration.core.flow import Flow, Ownership
from integration.core.records import Field, FieldType, Kind
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Rule
from integration.services import Application
from integration.services.mappings import WITHOUT_OWNER, Published, kind_of, readable
from pages.components.shared.application import person
from pages.components.shared.draft import asked, editor
from pages.components.shared.inputs import field_label, source_fields
from pages.components.shared.layout import attempt, bottom_bar, note, section, small
from pages.components.shared.tables import CONFIG, ROW
from pages.components.shared.traces import trace_frame, why_of
from pages.components.shared.wording import (
    counted,
    field_name,
    moment,
    plain,
    system_name,
    table_name,
    term,
    text,
    typed_text,
    typed_value,
    who,
)


def fields_tab(app: Application, flow: str) -> None:
    """Draw one row for each field, the way to add one, and why a record has the values it has."""
    published, spec = app.mappings.published(flow), app.flows.spec(flow)
    draft = _draft(flow, published)
    kinds = spec.parts_of(app.flows.as_set(flow))
    sources: dict[Kind, list[Field]] = {}
    for target, source in kinds.items():
        if (found := source_fields(app, flow, source)) is not None:
            sources[target] = readable(spec, source, found)
    targets = _target_fields(app, flow, list(kinds))
    if targets is None or len(sources) < len(kinds):
        return
    made = text("mapping_made", version=published.version, by=who(published.by), moment=moment(published.published_at))
    note(f"{made} · {plain(published.note)}" if published.note else made)
    wrong: list[str] = []
    rules: list[Rule] = [rule for rule in draft["rules"] if kind_of(rule.target) not in kinds]
    for kind in kinds:
        mine = [rule for rule in draft["rules"] if kind_of(rule.target) is kind]
        if mine:
            section(text(f"fields_{kind}"))
            key = f"fields-{flow}-{kind}-{draft['round']}"
            rules += _table(key, mine, sources[kind], targets, app.flows[flow], wrong)
    order = {rule.target: place for place, rule in enumerate(draft["rules"])}
    mapping = RuleMapping(1, tuple(sorted(rules, key=lambda rule: order[rule.target])))
    for one in wrong:
        note(f":orange[:material/error: {plain(one)}]")
    _add(app, draft, mapping, sources, targets)
    with st.container(border=True, gap="small"):
        small(f"**{text('btn_why')}**")
        keys = ("why_code", "why_show")
        if traces := why_of(app, flow, keys, "account_tree", text("why_about"), 260, mapping):
            st.dataframe(trace_frame(traces), hide_index=True, row_height=ROW, alt=text("btn_why"))
    _publish_bar(app, flow, published, draft, mapping, wrong)


def _draft(flow: str, published: Published) -> dict[str, Any]:
    """Return the rules as they are on screen; those of an older version that nobody touched are read anew."""
    draft: dict[str, Any] = st.session_state.setdefault(
        f"rules-{flow}", {"flow": flow, "base": 0, "rules": (), "round": 0}
    )
    if draft["base"] != published.version and not draft.get("changed"):
        draft.update(base=published.version, rules=published.mapping.rules, round=draft["round"] + 1)
    return draft


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
    flow: Flow,
    wrong: list[str],
) -> list[Rule]:
    """Draw the rules of one kind and return them as they are on screen."""
    names = [one.name for one in of]
    known = ["", *names, *sorted({rule.source for rule in rules if rule.source not in ("", *names)})]
    pointed = st.query_params.get("field", "")
    types = {rule.target: targets[rule.target].type if rule.target in targets else FieldType.TEXT for rule in rules}
    frame = pd.DataFrame(
        {
            "target": [f"{field_name(rule.target)}{' ←' if rule.target == pointed else ''}" for rule in rules],
            "source": [rule.source for rule in rules],
            "how": [_how(rule) for rule in rules],
            "default": [typed_text(rule.default, types[rule.target]) for rule in rules],
            "ownership": [str(rule.ownership) for rule in rules],
        },
        index=[rule.target for rule in rules],
    )
    if all(kind_of(rule.target) in WITHOUT_OWNER for rule in rules):
        frame = frame.drop(columns="ownership")
    columns = {
        "target": CONFIG.TextColumn(text("col_target", system=system_name(flow.target)), width=125),
        "source": CONFIG.SelectboxColumn(
            text("col_source", system=system_name(flow.source)),
            options=known,
            width=165,
            format_func=lambda name: field_label(of, str(name)),
        ),
        "how": CONFIG.TextColumn(text("col_functions"), width=90),
        "default": CONFIG.TextColumn(text("col_default"), width=100),
        "ownership": CONFIG.SelectboxColumn(
            text("col_ownership"),
            options=[str(one) for one in Ownership],
            required=True,
            width=205,
            format_func=lambda name: text(f"owner_{name}"),
        ),
    }
    edited = editor(key, frame, columns, text("tab_fields"), disabled=["target", "how"], num_rows="delete")
    by_target = {rule.target: rule for rule in rules}
    return [
        _edited(by_target[str(target)], row, types[str(target)], wrong)
        for target, row in zip(edited.index, edited.fillna("").to_dict("records"), strict=True)
    ]


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


def _edited(rule: Rule, row: Mapping[Any, Any], kind: FieldType, wrong: list[str]) -> Rule:
    source, default = str(row["source"]), rule.default
    given = str(row["default"]).strip()
    if given != typed_text(rule.default, kind):
        typed = typed_value(given, kind)
        fitting = {FieldType.FLAG: bool, FieldType.NUMBER: Decimal, FieldType.MONEY: Decimal}.get(kind, object)
        if typed is None or isinstance(typed, fitting):
            default = typed
        else:
            wrong.append(text("default_wrong", value=given, field=field_name(rule.target)))
    return replace(
        rule,
        source=source,
        default=default,
        expression="" if source else rule.expression,
        ownership=Ownership(row.get("ownership", rule.ownership)),
        force=rule.force and default not in (None, ""),
    )


# ---- adding, and why ------------------------------------------------------------------------------------------------


def _add(
    app: Application,
    draft: dict[str, Any],
    mapping: RuleMapping,
    sources: Mapping[Kind, list[Field]],
    targets: Mapping[str, Field],
) -> None:
    flow = app.flows[draft["flow"]]
    taken = {rule.target for rule in mapping.rules}
    sent = {name for several in app.flows.spec(flow.name).sent_as.values() for name in several}
    free = [name for name in targets if name not in taken and name not in sent]
    with st.container(border=True, gap="small"):
        small(f"**{text('field_add')}**")
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            target = st.selectbox(
                text("col_target", system=system_name(flow.target)),
                free,
                index=None,
                key="add_target",
                placeholder=text("choose_field"),
                format_func=lambda name: f"{text(f'kind_{targets[name].kind}')}: {targets[name].caption}",
            )
            of = sources.get(kind_of(target) if target else next(iter(sources))) or []
            source = st.selectbox(
                text("col_source", system=system_name(flow.source)),
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
    about = f"**{counted('fields_changed', len(changed))}:** {plain(named)}. :gray[{text('publish_effect')}]"
    with bottom_bar(about):
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
