"""The fields of a flow with their source and owner, and the filters that select its records."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.flow import Flow, Ownership
from integration.core.records import Field, FieldType, Kind
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Operator, Rule, as_text
from integration.services.mappings.mappings import Published, kind_of, readable_fields, writable
from integration.services.runs.flows import FilterPreview
from pages.components.flows.sections import heading
from pages.components.mappings.mapping import way_label
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.changes import explained_record, trace_rows
from pages.components.shared.downloads import downloads
from pages.components.shared.draft import SettingsDraft
from pages.components.shared.inputs import field_label, fields_or_error, fields_read, source_fields
from pages.components.shared.layout import (
    answer_or_error,
    attempt,
    bottom_bar,
    empty,
    icon_button,
    note,
    section,
    small,
)
from pages.components.shared.tables import CONFIG, editor, table
from pages.components.shared.wording import (
    Markdown,
    author_name,
    field_name,
    fields_of_kind,
    flow_term,
    kind_name,
    moment,
    number,
    option_name,
    plain,
    quantity_text,
    say,
    system_name,
    text,
    typed_text,
    typed_value,
)


def fields_tab(app: Application, flow: str) -> None:
    """Draw one row for each field, the form that adds a field, and the explanation of the values of a record."""
    published, spec = app.mappings.published(flow), app.flows.spec(flow)
    draft = _draft(flow, published)
    kinds = spec.parts_of(app.flows.configured_flow(flow))
    sources: dict[Kind, list[Field]] = {}
    targets: dict[str, Field] = {}
    for target, source in kinds.items():
        offered_fields, target_fields = (
            source_fields(app, flow, source),
            fields_or_error(app, app.flows[flow].target, target),
        )
        if offered_fields is None or target_fields is None:
            return
        sources[target] = readable_fields(spec, source, offered_fields)
        targets |= writable(spec, target, target_fields)
    publication = text(
        "mapping_made",
        version=published.version,
        by=plain(author_name(published.by)),
        moment=moment(published.published_at),
    )
    note(f"{publication} · {plain(published.note)}" if published.note else publication)
    wrong: list[str] = []
    rules: list[Rule] = [rule for rule in draft["rules"] if kind_of(rule.target) not in kinds]
    for kind in kinds:
        kind_rules = [rule for rule in draft["rules"] if kind_of(rule.target) is kind]
        if kind_rules:
            section(fields_of_kind(kind))
            key = f"fields-{flow}-{kind}-{draft['round']}"
            rules += _table(key, kind_rules, sources[kind], targets, app.flows[flow], wrong, fields_of_kind(kind))
    order = {rule.target: place for place, rule in enumerate(draft["rules"])}
    mapping = RuleMapping(1, tuple(sorted(rules, key=lambda rule: order[rule.target])))
    for sentence in wrong:
        note(f":orange[:material/error: {plain(sentence)}]")
    _add(app, draft, mapping, sources, targets)
    with st.container(border=True, gap="small"):
        small(f"**{text('btn_why')}**")
        keys = ("why_code", "why_show")
        if traces := explained_record(app, flow, keys, "account_tree", text("why_about"), 260, mapping):
            table(trace_rows(app, app.flows[flow], traces), text("btn_why"))
    _publish_bar(app, flow, published, draft, mapping, wrong)


def _draft(flow: str, published: Published) -> dict[str, Any]:
    """Return the rules on screen. Rules without changes are replaced when another version is published."""
    draft: dict[str, Any] = st.session_state.setdefault(
        f"rules-{flow}", {"flow": flow, "base": 0, "rules": (), "round": 0}
    )
    if draft["base"] != published.version and not draft.get("changed"):
        draft.update(base=published.version, rules=published.mapping.rules, round=draft["round"] + 1)
    return draft


# ---- the table ------------------------------------------------------------------------------------------------------


def _table(
    key: str,
    rules: Sequence[Rule],
    of: Sequence[Field],
    targets: Mapping[str, Field],
    flow: Flow,
    wrong: list[str],
    caption: str,
) -> list[Rule]:
    """Draw the rules of one kind and return them as they are on screen."""
    names = [source_field.name for source_field in of]
    source_names = ["", *names, *sorted({rule.source for rule in rules if rule.source not in ("", *names)})]
    pointed = st.query_params.get("field", "")
    types = {rule.target: targets[rule.target].type if rule.target in targets else FieldType.TEXT for rule in rules}
    frame = pd.DataFrame(
        {
            "target": [f"{field_name(rule.target)}{' ←' if rule.target == pointed else ''}" for rule in rules],
            "source": [rule.source for rule in rules],
            "how": [way_label(rule) for rule in rules],
            "default": [typed_text(rule.default, types[rule.target]) for rule in rules],
            "ownership": [str(rule.ownership) for rule in rules],
        },
        index=[rule.target for rule in rules],
    )
    if not any(kind_of(rule.target).owned for rule in rules):
        frame = frame.drop(columns="ownership")
    target_title, default = text("col_target", system=system_name(flow.target)), text("col_default")
    ownership = text("col_ownership")
    columns = {
        "target": CONFIG.TextColumn(target_title),
        "source": CONFIG.SelectboxColumn(
            text("col_source", system=system_name(flow.source)),
            options=source_names,
            format_func=option_name(lambda name: field_label(of, str(name))),
        ),
        "how": CONFIG.TextColumn(text("col_functions")),
        "default": CONFIG.TextColumn(default),
        "ownership": CONFIG.SelectboxColumn(
            ownership,
            options=[str(choice) for choice in Ownership],
            required=True,
            format_func=lambda name: text(f"owner_{name}"),
        ),
    }
    edited = editor(key, frame, columns, caption, disabled=["target", "how"], num_rows="delete")
    by_target = {rule.target: rule for rule in rules}
    return [
        _edited_rule(by_target[str(target)], row, types[str(target)], wrong)
        for target, row in zip(edited.index, edited.to_dict("records"), strict=True)
    ]


def _edited_rule(rule: Rule, row: Mapping[Any, Any], kind: FieldType, wrong: list[str]) -> Rule:
    source, default = str(row["source"]), rule.default
    default_text = str(row["default"]).strip()
    if default_text != typed_text(rule.default, kind):
        typed = typed_value(default_text, kind)
        fitting = {FieldType.FLAG: bool, FieldType.NUMBER: Decimal, FieldType.MONEY: Decimal}.get(kind, object)
        if typed is None or isinstance(typed, fitting):
            default = typed
        else:
            wrong.append(text("default_wrong", value=default_text, field=field_name(rule.target)))
    return replace(
        rule,
        source=source,
        default=default,
        expression="" if source else rule.expression,
        ownership=Ownership(row.get("ownership", rule.ownership)),
        force=rule.force and default not in (None, ""),
    )


# ---- adding a field -------------------------------------------------------------------------------------------------


def _add(
    app: Application,
    draft: dict[str, Any],
    mapping: RuleMapping,
    sources: Mapping[Kind, list[Field]],
    targets: Mapping[str, Field],
) -> None:
    flow = app.flows[draft["flow"]]
    used_targets = {rule.target for rule in mapping.rules}
    free = [name for name in targets if name not in used_targets]
    with st.container(border=True, gap="small"):
        small(f"**{text('field_add')}**")
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            target = controls.selectbox(
                text("col_target", system=system_name(flow.target)),
                free,
                index=None,
                key="add_target",
                placeholder=text("choose_field"),
                format_func=option_name(lambda name: f"{kind_name(targets[name].kind)}: {targets[name].caption}"),
            )
            of = sources.get(kind_of(target) if target else next(iter(sources))) or []
            source = controls.selectbox(
                text("col_source", system=system_name(flow.source)),
                [source_field.name for source_field in of],
                index=None,
                key="add_source",
                placeholder=text("choose_field"),
                format_func=option_name(lambda name: field_label(of, name)),
            )
            pressed = controls.button(text("btn_add_field"), icon=":material/add:", key="add_field")
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
    changed_names = ", ".join(field_name(target) for target in changed[:3]) + (" …" if len(changed) > 3 else "")  # noqa: PLR2004
    about = (
        f"**{quantity_text('fields_changed', len(changed))}:** {plain(changed_names)}. :gray[{text('publish_effect')}]"
    )
    with bottom_bar(about):
        entered_note = controls.text_input(
            text("publish_note"),
            placeholder=text("publish_note"),
            key="publish_note",
            width=220,
            label_visibility="collapsed",
            autocomplete="off",
        )
        if controls.button(text("btn_discard_changes"), type="tertiary", key="discard_fields"):
            draft.update(base=0, changed=False)
            st.rerun()
        label = text("btn_publish_version", version=published.version + 1)
        if controls.button(label, type="primary", icon=":material/publish:", key="publish", disabled=bool(wrong)):
            base, words = draft["base"], (entered_note or "").strip() or changed_names
            if attempt(lambda: app.mappings.publish(flow, mapping, base, person(), words)):
                draft.update(base=0, changed=False)
                st.session_state["said"] = text("published", version=published.version + 1)
            st.rerun()


# ---- filters --------------------------------------------------------------------------------------------------------


WITHOUT_VALUE = (Operator.EMPTY, Operator.NOT_EMPTY)


def filters_tab(app: Application, draft: SettingsDraft) -> None:
    """Draw the filter rules, and the records of the source that they include and exclude."""
    fields = fields_read(
        app, draft.flow, [stage.source for stage in app.flows.configured_flow(draft.flow).counted_stages]
    )
    if fields is None:
        return
    with st.container(border=True, gap="small"):
        heading(text("filters_title", many=flow_term("many", draft.flow)), "filters")
        note(text("filters_about"))
        rows = [_row(draft, place, row, fields) for place, row in enumerate(draft.value("filters"))]
        kept_rows = [row for row in rows if row is not None]
        if len(kept_rows) < len(rows):
            _store_filters(draft, kept_rows)
        if controls.button(text("btn_add_filter"), icon=":material/add:", key="add_filter"):
            first = app.flows.spec(draft.flow).filter_first or fields[0].name
            _store_filters(draft, [*kept_rows, {"field": first, "operator": Operator.EQUAL, "value": "", "take": "in"}])
        draft.put("filters", tuple(kept_rows))
        draft.show_error("filters")
    _result(app, draft)


def _store_filters(draft: SettingsDraft, rows: list[dict[str, Any]]) -> None:
    draft.put("filters", tuple(rows))
    draft.recreate_widgets()
    st.rerun()


def _row(draft: SettingsDraft, place: int, row: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any] | None:
    """Draw one filter rule and return it as it is on screen, or None if it was removed."""
    kinds = {source_field.name: source_field.type for source_field in fields}

    def key(name: str) -> str:
        return draft.key(f"filter-{place}-{name}")

    def option_box(name: str, caption: Markdown, options: list[Any], width: int, label: Callable[[Any], str]) -> Any:
        return controls.selectbox(
            caption,
            options,
            index=options.index(row[name]),
            width=width,
            key=key(name),
            format_func=option_name(label),
            label_visibility="collapsed",
        )

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        take = option_box("take", text("filter_take"), ["in", "out"], 170, lambda option: text(f"take_{option}"))
        field_names = list(dict.fromkeys([*([] if row["field"] in kinds else [row["field"]]), *kinds]))
        field = option_box("field", text("col_field"), field_names, 300, lambda name: field_label(fields, name))
        operator = option_box(
            "operator", text("filter_operator"), list(Operator), 170, lambda option: text(f"operator_{option}")
        )
        value = ""
        if operator not in WITHOUT_VALUE:  # a list of values is text
            kind = FieldType.TEXT if operator is Operator.IN else kinds.get(field, FieldType.TEXT)
            entered_value = controls.text_input(
                text("filter_value"),
                typed_text(as_text(row["value"]), kind),
                width="stretch",
                key=key("value"),
                autocomplete="off",
                placeholder=text("filter_value"),
                label_visibility="collapsed",
            )
            value = as_text(typed_value(entered_value or "", kind))
        is_removed = icon_button("close", text("btn_remove_filter"), key("remove"), disabled=controls.are_disabled())
    return None if is_removed else {"field": field, "operator": operator, "value": value, "take": take}


def _result(app: Application, draft: SettingsDraft) -> None:
    shape = json.dumps({**draft.saved, **draft.changed}, default=str, sort_keys=True)
    system, many = system_name(app.flows[draft.flow].source), flow_term("many", draft.flow)
    session_preview: dict[str, Any] = st.session_state.setdefault(f"sifted-{draft.flow}", {})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(text("btn_sift"), icon=":material/filter_alt:", key="sift"):
            with st.spinner(text("sifting", system=system, many=many)):
                sifted = answer_or_error(lambda: app.flows.preview_filters(draft.flow, draft.changed))
            if sifted is not None:
                session_preview.update(shape=shape, of=sifted)
        note(text("sift_about", system=system))
    if "of" not in session_preview:
        return
    preview: FilterPreview = session_preview["of"]
    if session_preview["shape"] != shape:
        note(f":orange[:material/refresh: {text('sift_stale')}]")
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, gap="large"):
            st.metric(text("sift_in"), number(preview.included), width="content")
            st.metric(text("sift_out"), number(preview.excluded), width="content")
        if preview.excluded:
            _excluded_records(preview)
        else:
            empty("task_alt", text("sift_all_in"), text("sift_all_in_about", system=system, many=many))


def _excluded_records(preview: FilterPreview) -> None:
    frame = pd.DataFrame(
        [(skip.key, title, say(skip.reason, skip.facts).problem) for title, skip in preview.examples],
        columns=["code", "name", "reason"],
    )
    columns = {
        "code": CONFIG.TextColumn(text("col_code")),
        "name": CONFIG.TextColumn(text("col_name")),
        "reason": CONFIG.TextColumn(text("col_reason")),
    }
    table(frame, text("sift_out"), columns)
    if len(preview.examples) < preview.excluded:
        note(quantity_text("sift_first", len(preview.examples)))
    downloads("left-out", lambda: frame)
