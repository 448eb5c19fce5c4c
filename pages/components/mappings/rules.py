"""The rules of one part of a mapping as a table, tried on a record, with the way to add one."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from integration.core.issues import Issue
from integration.core.records import Field, Kind, Record
from integration.core.rules import Rule, Trace, as_text
from integration.services.parts import kind_of, readable, writable
from integration.services.trials import Trial, sample_values, title_of
from pages.components.mappings.draft import effect_box
from pages.components.mappings.editor import Choices, rule_editor, show_rule, why_box
from pages.components.mappings.mapping import (
    Desk,
    aspect_text,
    captioned,
    recent_records,
    record_by_key,
    shown,
    source_list,
    target_about,
    target_list,
    tried_kind,
    try_on,
    way_label,
)
from pages.components.shared.application import person
from pages.components.shared.draft import asked
from pages.components.shared.layout import clear_search, empty, note, search, section, small
from pages.components.shared.states import COLOURS, inline
from pages.components.shared.tables import browse
from pages.components.shared.wording import field_name, flow_term, flow_text, in_short, plain, say, text

MOST_LOOKED_AT = 8  # records among which one is looked for that takes part


def rules_part(desk: Desk, part: Kind, download: object) -> None:
    """Draw the rules of a part, the one that is looked at, and what a record becomes with them."""
    sources, targets = source_list(desk, part), target_list(desk, part)
    if sources is None or targets is None:
        return
    can_read = captioned(readable(desk.spec, desk.parts[part], sources), desk.flow.source)
    can_fill = writable(desk.spec, part, captioned(targets, desk.flow.target))
    mine = [rule for rule in desk.mapping.rules if kind_of(rule.target) is part]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        record = record_picker(desk, part)
        find = search("find", text("find_rule"))
    trial = try_on(desk, record) if record else None
    if trial is not None and trial.obstacle is not None:
        _obstacle(trial)
    listed = [rule for rule in mine if _found(rule, can_read, find)]
    samples = sample_values(desk.parts[part], [record] if record else [], [trial] if trial else [])
    chosen = _looked_at(listed)
    with st.grid(8, min_column_width=115) as grid:
        with grid.cell(column_span=5):
            _table(desk, part, listed, can_read, trial, find)
            _add(desk, part, mine, can_fill)
            if desk.changed:
                section(text("effect_title"), text("effect_about", many=flow_term("many", desk.name)))
                effect_box(desk)
        with grid.cell(column_span=3):
            if chosen is not None:
                _editor(desk, chosen, listed, Choices(can_read, can_fill.get(chosen.target), samples))
                why_box(desk, chosen, trial, title_of(record) if record else "")
    _download(desk, part, listed, can_read, trial, download)


def _found(rule: Rule, fields: Sequence[Field], find: str) -> bool:
    said = (field_name(rule.target), rule.target, rule.source, aspect_text("source", rule, fields), way_label(rule))
    return find.casefold() in " ".join(said).casefold()


def _looked_at(listed: Sequence[Rule]) -> Rule | None:
    wanted = st.query_params.get("field", "")
    return next((rule for rule in listed if rule.target == wanted), next(iter(listed), None))


def _editor(desk: Desk, chosen: Rule, listed: Sequence[Rule], choices: Choices) -> None:
    place = [rule.target for rule in listed].index(chosen.target)
    before = listed[place - 1].target if place else ""
    after = listed[place + 1].target if place + 1 < len(listed) else ""
    rule_editor(desk, chosen, choices, (before, after))


# ---- the record that is tried ---------------------------------------------------------------------------------------


def record_picker(desk: Desk, part: Kind) -> Record | None:
    """Draw the choice of a record, one of the last ones or any by its key, and return it."""
    kind = tried_kind(desk, part)
    recent = recent_records(desk, kind)
    if recent is None:
        return None
    known = {one.key: one for one in recent}
    wanted = st.query_params.get("record", "")
    options = [*known, *([wanted] if wanted and wanted not in known else [])]
    if not options:
        note(text("try_nothing", system=desk.source))

    def keep() -> None:
        st.query_params["record"] = (st.session_state.get(f"record-{kind}") or "").strip()

    first = options.index(wanted) if wanted else _first(desk, recent) if options else None
    chosen = (
        st.selectbox(
            text("try_record"),
            options,
            index=first,
            key=f"record-{kind}",
            format_func=lambda key: title_of(known[key]) if key in known else key,
            accept_new_options=True,
            on_change=keep,
            width=320,
            placeholder=flow_text("why_of", desk.name, source=desk.source),
            help=text("try_record_about"),
        )
        or ""
    )
    if not chosen:
        return None
    named = next((one for one in recent if title_of(one).partition(" · ")[0] == chosen), None)
    found = known.get(chosen) or named or record_by_key(desk, kind, chosen)
    if found is None and "failure" not in st.session_state:
        note(f":orange[:material/error: {text(f'why_unknown_{desk.name}', code=plain(chosen))}]")
    return found


def _first(desk: Desk, recent: Sequence[Record]) -> int:
    """Return the place of the first record that nothing keeps from being sent: it shows most."""
    some = recent[:MOST_LOOKED_AT]
    name = f"first {desk.name} {[one.key for one in some]}"
    tried = asked(desk.app, name, lambda: desk.app.drafts.trial(desk.name, desk.published.mapping, some)) or []
    return next((place for place, one in enumerate(tried) if one.obstacle is None), 0)


def _obstacle(trial: Trial) -> None:
    one = trial.obstacle
    if one is None:
        return
    parked = isinstance(one, Issue)
    said = say(one.cause if isinstance(one, Issue) else one.reason, one.facts).what
    small(f"{inline('parked' if parked else 'skipped')} {plain(said)}")


# ---- the table ------------------------------------------------------------------------------------------------------


def _table(
    desk: Desk, part: Kind, listed: Sequence[Rule], fields: Sequence[Field], trial: Trial | None, find: str
) -> None:
    if not listed:
        if not find:
            empty("account_tree", text("rules_none"), text("rules_none_about"))
        elif empty(
            "filter_alt_off",
            text("nothing_found", find=plain(find)),
            text("nothing_found_about"),
            text("btn_clear_filters"),
            key="clear",
        ):
            clear_search("find")
        return
    frame = pd.DataFrame(
        {
            "target": [field_name(rule.target) for rule in listed],
            "mark": [_marks(desk, rule) for rule in listed],
            "source": [aspect_text("source", rule, fields) for rule in listed],
            "way": [way_label(rule) for rule in listed],
            "gives": [_gives(desk, rule, trial) for rule in listed],
        }
    )
    config = st.column_config
    marks = [text("mark_changed"), text("mark_new"), text("mark_wrong")]
    columns = {
        "target": config.TextColumn(desk.target, width=140),
        "mark": config.MultiselectColumn(
            "", options=marks, width=84, color=[f"{COLOURS[one][0]}33" for one in ("blue", "green", "orange")]
        ),
        "source": config.TextColumn(text("col_source", system=desk.source), width=140),
        "way": config.TextColumn(text("col_functions"), width=150),
        "gives": config.TextColumn(text("col_gives"), width=150),
    }
    if not any(frame["mark"]):
        frame = frame.drop(columns="mark")
    key = f"rules-{desk.name}-{part}-{find}"
    clicked = browse(frame, columns, key, text("rules_of", part=text(f"fields_{part}")))
    if clicked is not None and st.session_state.get("clicked_rule") != (key, clicked):
        st.session_state["clicked_rule"] = (key, clicked)
        if listed[clicked].target != st.query_params.get("field"):
            show_rule(listed[clicked].target)


def _marks(desk: Desk, rule: Rule) -> list[str]:
    found = []
    if change := desk.changed.get(rule.target):
        found.append(text("mark_new" if change.before is None else "mark_changed"))
    if rule.target in desk.faults:
        found = [text("mark_wrong")]
    return found


def _gives(desk: Desk, rule: Rule, trial: Trial | None) -> str:
    """Return what a rule makes of the record that is tried; of several lines the values one after the other."""
    if trial is None or rule.target in desk.faults:
        return "–"
    return " | ".join(dict.fromkeys(map(_given, trial.of(rule.target)))) or "–"


def _given(trace: Trace) -> str:
    if trace.issue is not None:
        return f"‖ {in_short(trace.issue)}"
    return shown(trace.value)


def _download(
    desk: Desk, part: Kind, listed: Sequence[Rule], fields: Sequence[Field], trial: Trial | None, place: object
) -> None:
    def lines() -> str:
        frame = pd.DataFrame(
            [
                {
                    "target": rule.target,
                    "caption": field_name(rule.target),
                    "source": rule.source,
                    "source_caption": aspect_text("source", rule, fields),
                    "functions": aspect_text("functions", rule, fields),
                    "expression": rule.expression,
                    "table": rule.table,
                    "unmapped": str(rule.unmapped) if rule.table else "",
                    "default": as_text(rule.default),
                    "always": rule.force,
                    "ownership": str(rule.ownership),
                    "gives": _gives(desk, rule, trial),
                }
                for rule in listed
            ]
        )
        return frame.to_csv(index=False)

    place.download_button(  # type: ignore[attr-defined]
        text("btn_csv"),
        data=lines,
        file_name=f"mapping-{desk.name}-{part}.csv",
        icon=":material/download:",
        on_click="ignore",
        mime="text/csv",
    )


# ---- adding ---------------------------------------------------------------------------------------------------------


def _add(desk: Desk, part: Kind, mine: Sequence[Rule], targets: Mapping[str, Field]) -> None:
    taken = {rule.target for rule in mine}
    free = [name for name in targets if name not in taken]
    if not free:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        target = st.selectbox(
            text("add_rule", system=desk.target),
            free,
            index=None,
            key=f"add-{desk.name}-{part}-{len(taken)}",
            placeholder=text("choose_field"),
            format_func=lambda name: f"{targets[name].caption} · {target_about(targets[name])}",
        )
        pressed = st.button(text("btn_add_field"), icon=":material/add:", key="add_rule", disabled=target is None)
    if pressed and target:
        desk.app.drafts.put_rule(desk.name, Rule(target=target), person())
        show_rule(target)
