"""The rules of one part of a mapping as a table, with their results for a sample record."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.core.issues import Issue, Skip
from integration.core.records import Field, Kind, Record
from integration.core.rules import Rule, as_text
from integration.services.mappings.mappings import kind_of, readable_fields, writable
from integration.services.mappings.trials import Trial, sample_values, source_title
from pages.components.mappings.draft import effect_box
from pages.components.mappings.editor import rule_editor, show_rule, why_box
from pages.components.mappings.functions import FunctionChoices
from pages.components.mappings.mapping import (
    EditorState,
    aspect_text,
    short_value,
    source_list,
    target_about,
    trial_of,
    way_label,
    with_captions,
)
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.column_widths import BESIDE
from pages.components.shared.downloads import downloads
from pages.components.shared.inputs import fields_or_error
from pages.components.shared.layout import (
    COLOURS,
    THIRD,
    ask_live,
    clear_search,
    empty,
    inline,
    no_match,
    note,
    search,
    section,
    small,
)
from pages.components.shared.rows import field_text
from pages.components.shared.tables import CONFIG, browse
from pages.components.shared.wording import (
    field_name,
    fields_of_kind,
    flow_term,
    flow_text,
    issue_reason,
    option_name,
    plain,
    say,
    text,
)

MAX_OFFERED = 25  # records offered as samples
MAX_SAMPLES = 8  # records that are tried to find a sample that is neither parked nor skipped


def rules_part(editor: EditorState, part: Kind, actions: DeltaGenerator) -> None:
    """Draw the rules of a part, the editor of the chosen rule, and their results for the sample record."""
    sources, targets = source_list(editor, part), fields_or_error(editor.app, editor.flow.target, part)
    if sources is None or targets is None:
        return
    can_read = with_captions(readable_fields(editor.spec, editor.parts[part], sources), editor.flow.source)
    can_fill = writable(editor.spec, part, with_captions(targets, editor.flow.target))
    part_rules = [rule for rule in editor.mapping.rules if kind_of(rule.target) is part]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        record = record_picker(editor, part)
        find = search(text("find_rule"))
    trial = trial_of(editor, record) if record else None
    if trial is not None and trial.obstacle is not None:
        _obstacle(trial.obstacle)
    listed_rules = [rule for rule in part_rules if _matches(rule, can_read, find)]
    samples = sample_values(editor.parts[part], [record] if record else [], [trial] if trial else [])
    wanted_target = st.query_params.get("field", "")
    chosen = next((rule for rule in listed_rules if rule.target == wanted_target), next(iter(listed_rules), None))
    with st.grid(3, min_column_width=THIRD) as grid:
        with grid.cell(column_span=2):
            _table(editor, part, listed_rules, can_read, trial, find)
            _add(editor, part, part_rules, can_fill)
            if editor.changed:
                section(text("effect_title"), text("effect_about", many=flow_term("many", editor.name)))
                effect_box(editor)
        with grid.cell():
            if chosen is not None:
                targets_listed = ["", *(rule.target for rule in listed_rules), ""]
                at = targets_listed.index(chosen.target)
                neighbours = (targets_listed[at - 1], targets_listed[at + 1])
                choices = FunctionChoices(
                    can_read, can_fill.get(chosen.target), samples, list(editor.app.rules.tables())
                )
                rule_editor(editor, chosen, choices, neighbours)
                why_box(editor, chosen, trial, source_title(record) if record else "")
    downloads(f"mapping-{editor.name}-{part}", lambda: _export_rows(editor, listed_rules, can_read, trial), at=actions)


def _matches(rule: Rule, fields: Sequence[Field], find: str) -> bool:
    search_texts = (
        field_name(rule.target),
        rule.target,
        rule.source,
        aspect_text("source", rule, fields),
        way_label(rule),
    )
    return find.casefold() in " ".join(search_texts).casefold()


# ---- the sample record ----------------------------------------------------------------------------------------------


def record_picker(editor: EditorState, part: Kind) -> Record | None:
    """Draw the choice of the sample record, a recent one or any by its key, and return the record."""
    kind = editor.flow.read_for(part)
    name = f"recent {editor.name} {kind}"
    recent = ask_live(editor.app, name, lambda: editor.app.drafts.recent(editor.name, kind, MAX_OFFERED))
    if recent is None:
        return None
    recent_by_key = {candidate.key: candidate for candidate in recent}
    wanted_key = st.query_params.get("record", "")
    options = [*recent_by_key, *([wanted_key] if wanted_key and wanted_key not in recent_by_key else [])]
    if not options:
        note(text("try_nothing", system=editor.source))

    def keep() -> None:
        st.query_params["record"] = (st.session_state.get(f"record-{kind}") or "").strip()

    first = options.index(wanted_key) if wanted_key else _first_written(editor, recent) if options else None
    chosen = (
        st.selectbox(
            text("try_record"),
            options,
            index=first,
            key=f"record-{kind}",
            format_func=option_name(lambda key: source_title(recent_by_key[key]) if key in recent_by_key else key),
            accept_new_options=True,
            on_change=keep,
            width=320,
            placeholder=flow_text("why_of", editor.name, source=editor.source),
            help=text("try_record_about"),
        )
        or ""
    )
    if not chosen:
        return None
    title_match = next(
        (candidate for candidate in recent if source_title(candidate).partition(" · ")[0] == chosen), None
    )
    record = recent_by_key.get(chosen) or title_match or _find_record(editor, kind, chosen)
    if record is None and "failure" not in st.session_state:
        note(f":orange[:material/error: {text(f'why_unknown_{editor.name}', code=plain(chosen))}]")
    return record


def _find_record(editor: EditorState, kind: Kind, key: str) -> Record | None:
    """Return a record of the source by its key. Return None if it does not exist, or after an error, which is shown."""
    records = ask_live(
        editor.app, f"record {editor.name} {kind} {key}", lambda: editor.app.drafts.records(editor.name, kind, [key])
    )
    return records[0] if records else None


def _first_written(editor: EditorState, recent: Sequence[Record]) -> int:
    """Return the position of the first record that would be written, because it has the most results."""
    first_records = recent[:MAX_SAMPLES]
    name = f"first {editor.name} {[record.key for record in first_records]}"
    tried = (
        ask_live(
            editor.app, name, lambda: editor.app.drafts.trial(editor.name, editor.published.mapping, first_records)
        )
        or []
    )
    return next((place for place, trial in enumerate(tried) if trial.obstacle is None), 0)


def _obstacle(obstacle: Issue | Skip) -> None:
    parked = isinstance(obstacle, Issue)
    sentence = say(obstacle.cause if isinstance(obstacle, Issue) else obstacle.reason, obstacle.facts).problem
    small(f"{inline('parked' if parked else 'skipped')} {plain(sentence)}")


# ---- the table ------------------------------------------------------------------------------------------------------


def _table(
    editor: EditorState,
    part: Kind,
    listed_rules: Sequence[Rule],
    fields: Sequence[Field],
    trial: Trial | None,
    find: str,
) -> None:
    if not listed_rules:
        if not find:
            empty("account_tree", text("rules_none"), text("rules_none_about"))
        elif no_match(text("nothing_found", find=plain(find)), text("nothing_found_about")):
            clear_search()
        return
    frame = pd.DataFrame(
        {
            "target": [field_name(rule.target) for rule in listed_rules],
            "mark": [_marks(editor, rule) for rule in listed_rules],
            "source": [aspect_text("source", rule, fields) for rule in listed_rules],
            "way": [way_label(rule) for rule in listed_rules],
            "gives": [_result_text(editor, rule, trial) for rule in listed_rules],
        }
    )
    marks = [text("mark_changed"), text("mark_new"), text("mark_wrong")]
    columns = {
        "target": CONFIG.TextColumn(editor.target),
        "mark": CONFIG.MultiselectColumn(
            "", options=marks, color=[f"{COLOURS[colour][0]}33" for colour in ("blue", "green", "orange")]
        ),
        "source": CONFIG.TextColumn(text("col_source", system=editor.source)),
        "way": CONFIG.TextColumn(text("col_functions")),
        "gives": CONFIG.TextColumn(text("col_gives")),
    }
    if not any(frame["mark"]):
        frame = frame.drop(columns="mark")
    key = f"rules-{editor.name}-{part}-{find}"
    clicked = browse(frame, columns, key, text("rules_of", part=fields_of_kind(part)), room=BESIDE)
    if clicked is not None and st.session_state.get("clicked_rule") != (key, clicked):
        st.session_state["clicked_rule"] = (key, clicked)
        if listed_rules[clicked].target != st.query_params.get("field"):
            show_rule(listed_rules[clicked].target)


def _marks(editor: EditorState, rule: Rule) -> list[str]:
    if rule.target in editor.faults:
        return [text("mark_wrong")]
    change = editor.changed.get(rule.target)
    return [text("mark_new" if change.before is None else "mark_changed")] if change else []


def _result_text(editor: EditorState, rule: Rule, trial: Trial | None) -> str:
    """Return the result of a rule for the sample record; for several lines their distinct values."""
    if trial is None or rule.target in editor.faults:
        return "–"
    target = editor.flow.target
    results = [
        f"‖ {issue_reason(trace.issue)}"
        if trace.issue
        else short_value(field_text(editor.app, target, rule.target, trace.value))
        for trace in trial.traces_of_field(rule.target)
    ]
    return " | ".join(dict.fromkeys(results)) or "–"


def _export_rows(
    editor: EditorState, listed_rules: Sequence[Rule], fields: Sequence[Field], trial: Trial | None
) -> pd.DataFrame:
    lines = [
        {
            "target": rule.target,
            "caption": field_name(rule.target),
            "source": rule.source,
            "source_caption": aspect_text("source", rule, fields),
            "functions": aspect_text("functions", rule, fields),
            "expression": rule.expression,
            "table": rule.table,
            "unmapped": str(rule.unmapped) if rule.table else "",
            "default": rule.default if isinstance(rule.default, Decimal) else as_text(rule.default),
            "always": rule.force,
            "ownership": str(rule.ownership),
            "gives": _result_text(editor, rule, trial),
        }
        for rule in listed_rules
    ]
    return pd.DataFrame(lines)


# ---- adding ---------------------------------------------------------------------------------------------------------


def _add(editor: EditorState, part: Kind, part_rules: Sequence[Rule], targets: Mapping[str, Field]) -> None:
    used_targets = {rule.target for rule in part_rules}
    free = [name for name in targets if name not in used_targets]
    if not free:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        target = controls.selectbox(
            text("add_rule", system=editor.target),
            free,
            index=None,
            key=f"add-{editor.name}-{part}-{len(used_targets)}",
            placeholder=text("choose_field"),
            format_func=option_name(lambda name: f"{targets[name].caption} · {target_about(targets[name])}"),
        )
        pressed = controls.button(text("btn_add_field"), icon=":material/add:", key="add_rule", disabled=target is None)
    if pressed and target:
        editor.app.drafts.put_rule(editor.name, Rule(target=target), person())
        show_rule(target)
