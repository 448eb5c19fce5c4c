"""The draft of a mapping: its differences, its effect on records, publishing, and the history of versions."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from integration.core.issues import Issue, Skip
from integration.core.records import Field, Value
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Rule
from integration.services.mappings.drafts import RuleChange, mapping_changes
from integration.services.mappings.mappings import kind_of
from integration.services.mappings.trials import Effect, TrialDifference
from pages.components.mappings.mapping import EditorState, aspect_text, source_list, way_label
from pages.components.shared import controls
from pages.components.shared.application import guarded, person
from pages.components.shared.downloads import downloads
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import (
    answer_or_error,
    attempt,
    bottom_bar,
    clear_address,
    empty,
    note,
    section,
    small,
)
from pages.components.shared.tables import CONFIG, browse, height, table
from pages.components.shared.wording import (
    Markdown,
    author_name,
    field_name,
    field_term,
    fields_of_kind,
    flow_term,
    issue_reason,
    moment,
    number,
    plain,
    quantity_text,
    say,
    text,
    value_text,
)

MAX_FIELDS = 3  # fields named in one sentence


# ---- differences ----------------------------------------------------------------------------------------------------


def changes_part(editor: EditorState, place: Any) -> None:
    """Draw the changed rules of the draft, old beside new, and their effect on the last records."""
    if not editor.changed:
        if empty("edit_note", text("draft_none"), text("draft_none_about"), text("btn_to_rules"), key="to_rules"):
            _show_address(part=str(next(iter(editor.parts))))
        return
    base = editor.draft.base if editor.draft else editor.published.version
    section(text("changes_title", version=base))
    frame = _difference_rows(editor, list(editor.changed.values()))
    clicked = browse(
        frame,
        _difference_columns(text("version_short", version=base), text("in_draft")),
        f"changes-{editor.name}-{len(frame)}",
        text("changes_title", version=base),
    )
    note(text("changes_about"))
    if clicked is not None and st.session_state.get("clicked_change") != (editor.name, clicked):
        st.session_state["clicked_change"] = (editor.name, clicked)
        target = frame["target"].iloc[clicked]
        _show_address(part=str(kind_of(target)), field=target)
    downloads(f"draft-{editor.name}", lambda: frame, at=place)
    section(text("effect_title"), text("effect_about", many=flow_term("many", editor.name)))
    effect_box(editor)


def _difference_rows(editor: EditorState, rule_changes: Sequence[RuleChange]) -> pd.DataFrame:
    """Return one row for each changed part of a rule. An added or removed rule is one row."""
    rows = []
    for change in rule_changes:
        shared = (change.target, fields_of_kind(kind_of(change.target)), field_name(change.target))
        if change.before is None or change.after is None:
            rows.append(
                (*shared, text("aspect_rule"), _rule_text(editor, change.before), _rule_text(editor, change.after))
            )
            continue
        for name in change.aspects:
            was, becomes = (
                aspect_text(name, rule, _fields_of(editor, change.target)) for rule in (change.before, change.after)
            )
            rows.append((*shared, text(f"aspect_{name}"), was, becomes))
    return pd.DataFrame(rows, columns=["target", "part", "field", "what", "before", "after"])


def _rule_text(editor: EditorState, rule: Rule | None) -> str:
    if rule is None:
        return text("no_rule")
    aspects = (aspect_text("source", rule, _fields_of(editor, rule.target)), way_label(rule))
    return " → ".join(aspect for aspect in aspects if aspect) or "–"


def _fields_of(editor: EditorState, target: str) -> Sequence[Field]:
    part = kind_of(target)
    return (source_list(editor, part) or []) if part in editor.parts else []


def _difference_columns(old: str, new: str) -> dict[str, Any]:
    return {
        "target": None,
        "part": CONFIG.TextColumn(text("col_part")),
        "field": CONFIG.TextColumn(text("col_field")),
        "what": CONFIG.TextColumn(text("col_aspect")),
        "before": CONFIG.TextColumn(old),
        "after": CONFIG.TextColumn(new),
    }


def _show_address(**address: str) -> None:
    clear_address(*address)
    st.query_params.update(address)
    st.rerun()


# ---- effect on records ----------------------------------------------------------------------------------------------


def _known_effect(editor: EditorState) -> Effect | None:
    cached_effect = st.session_state.get(f"effect-{editor.name}")
    return cached_effect["effect"] if cached_effect and cached_effect["shape"] == _effect_key(editor) else None


def _effect_key(editor: EditorState) -> tuple[object, ...]:
    return editor.published.version, editor.mapping, editor.app.rules.tables(), editor.app.flows.settings(editor.name)


def find_effect(editor: EditorState) -> bool:
    """Apply the draft to the last records while showing progress. Return whether that succeeded."""
    bar = st.progress(0.0, text=text("effect_reading", system=editor.source))

    def show_progress(finished: int, total: int) -> None:
        bar.progress(finished / total, text=text("effect_progress", done=number(finished), total=number(total)))

    effect = answer_or_error(lambda: editor.app.drafts.effect(editor.name, editor.mapping, show_progress))
    bar.empty()
    if effect is not None:
        st.session_state[f"effect-{editor.name}"] = {"shape": _effect_key(editor), "effect": effect}
    return effect is not None


def effect_box(editor: EditorState) -> None:
    """Draw the effect of the draft on the last records, or the button that computes it."""
    effect = _known_effect(editor)
    with st.container(border=True, gap="small"):
        if effect is None:
            small(text("effect_stale" if f"effect-{editor.name}" in st.session_state else "effect_unknown"))
            if st.button(text("btn_show_effect"), icon=":material/science:", key="find_effect") and find_effect(editor):
                st.rerun()
            return
        small(effect_sentence(editor, effect))
        if effect.differences:
            _moved_table(editor, effect)


def effect_sentence(editor: EditorState, effect: Effect) -> Markdown:
    """Return the effect of a draft in one sentence, with the number of changes per field."""
    many = flow_term("many", editor.name)
    if not effect.checked_count:
        return text("effect_no_records", system=editor.source)
    cut = f" {text('effect_cut')}" if effect.cut else ""
    if not effect.differences:
        return f":material/equal: {text('effect_none', read=number(effect.checked_count), many=many)}{cut}"
    sentence = text("effect_some", records=number(effect.records), read=number(effect.checked_count), many=many)
    fields = " · ".join(
        f"{plain(field_name(name)) if name else text('effect_sent')}: {number(count)}"
        for name, count in effect.by_field().items()
    )
    return f":orange[:material/difference:] **{sentence}** :gray[{fields}]{cut}"


def _moved_table(editor: EditorState, effect: Effect) -> None:
    def side(difference: TrialDifference, value: Value, obstacle: Issue | Skip | None) -> str:
        return value_text(value) or "–" if difference.field else _obstacle(obstacle)

    frame = pd.DataFrame(
        [
            (
                difference.key,
                difference.title,
                _field_with_part(difference),
                side(difference, difference.before, difference.was),
                side(difference, difference.after, difference.becomes),
            )
            for difference in effect.differences
        ],
        columns=["key", "record", "field", "now", "becomes"],
    )
    columns = {
        "key": None,
        "record": CONFIG.TextColumn(text("col_record")),
        "field": CONFIG.TextColumn(text("col_field")),
        "now": CONFIG.TextColumn(text("col_now")),
        "becomes": CONFIG.TextColumn(text("in_draft")),
    }
    table(frame, text("effect_title"), columns, height=height(len(frame), 10))
    downloads(f"effect-{editor.name}", lambda: frame, key="effect")


def _field_with_part(difference: TrialDifference) -> str:
    if not difference.field:
        return text("effect_sent")
    part = difference.path.rpartition("/")[0]
    return f"{field_name(difference.field)} ({part})" if part else field_name(difference.field)


def _obstacle(obstacle: Issue | Skip | None) -> str:
    match obstacle:
        case Issue():
            return f"‖ {issue_reason(obstacle)}"
        case Skip():
            return f"» {say(obstacle.reason, obstacle.facts).problem}"
        case _:
            return text("effect_is_sent")


# ---- publishing -----------------------------------------------------------------------------------------------------


def overtaken_box(editor: EditorState) -> None:
    """Show who published another version since the draft began and what they changed, and draw the rebase button."""
    if not editor.is_outdated or editor.draft is None:
        return
    theirs = mapping_changes(editor.app.drafts.version(editor.name, editor.draft.base), editor.published.mapping)
    shared_targets = [change.target for change in theirs if change.target in editor.changed]
    with st.container(border=True, gap="xsmall"):
        st.markdown(
            ":orange[:material/call_split:] **"
            + text(
                "overtaken",
                version=editor.published.version,
                by=plain(author_name(editor.published.by)),
                moment=moment(editor.published.published_at),
                base=editor.draft.base,
            )
            + "**"
        )
        small(text("overtaken_theirs", fields=_fields([change.target for change in theirs])))
        if shared_targets:
            small(text("overtaken_both", fields=_fields(shared_targets)))
        if controls.button(text("btn_rebase", version=editor.published.version), icon=":material/merge:", key="rebase"):
            editor.app.drafts.rebase(editor.name, person())
            st.rerun()


def _fields(targets: Sequence[str]) -> Markdown:
    field_names = ", ".join(plain(field_term(target)) for target in targets[:MAX_FIELDS])
    return f"{field_names} …" if len(targets) > MAX_FIELDS else field_names or "–"


def draft_bar(editor: EditorState) -> None:
    """Draw the bar with the changes of the draft and the buttons that discard and publish it."""
    if not editor.changed:
        return
    effect, effect_text = _known_effect(editor), text("effect_unknown_short")
    if effect is not None:
        facts = {"records": number(effect.records), "read": number(effect.checked_count)}
        effect_text = text("effect_short", many=flow_term("many", editor.name), **facts)
    changed = f"**{quantity_text('rules_changed', len(editor.changed))}:** {_fields(list(editor.changed))}."
    sentence = f"{changed} :gray[{effect_text}]"
    with bottom_bar(sentence):
        if controls.button(text("btn_discard_draft"), type="tertiary", key="discard_draft", help=meaning("draft")):
            editor.app.drafts.discard(editor.name, person())
            st.rerun()
        reason = text("publish_wrong") if editor.faults else text("publish_overtaken") if editor.is_outdated else ""
        label = text("btn_publish_version", version=editor.published.version + 1)
        if controls.button(
            label,
            type="primary",
            icon=":material/publish:",
            key="publish",
            disabled=bool(reason),
            help=reason or None,
        ):
            title = text("publish_title", version=editor.published.version + 1)
            dialog = st.dialog(title, icon=":material/publish:", width="medium")
            dialog(guarded(_publish))(editor)


def _publish(editor: EditorState) -> None:
    """Ask for a note and publish the draft, after showing its effect on the last records."""
    effect = _known_effect(editor)
    if effect is None and find_effect(editor):
        effect = _known_effect(editor)
    small(f"**{quantity_text('rules_changed', len(editor.changed))}:** {_fields(list(editor.changed))}")
    if effect is not None:
        small(effect_sentence(editor, effect))
    entered_note = controls.text_input(text("publish_note"), key="publish_note", autocomplete="off", max_chars=200)
    note(f"{text('publish_effect')} {text('nothing_written')}")
    version = editor.published.version + 1
    label = text("btn_publish_version", version=version)
    if controls.button(label, type="primary", icon=":material/publish:", key="publish_now"):
        words = (entered_note or "").strip() or ", ".join(
            field_term(target) for target in list(editor.changed)[:MAX_FIELDS]
        )
        if attempt(lambda: editor.app.drafts.publish(editor.name, person(), words)):
            st.session_state["said"] = text("published", version=version)
        st.rerun()


# ---- history --------------------------------------------------------------------------------------------------------


def history_part(editor: EditorState, place: Any) -> None:
    """Draw the published versions, newest first, and the differences of the chosen one from the version in force."""
    versions = editor.app.rules.history(editor.name)
    frame = pd.DataFrame(
        [
            (published.version, published.published_at, author_name(published.by), published.note)
            for published in versions
        ],
        columns=["version", "published_at", "by", "note"],
    )
    columns = {
        "version": CONFIG.NumberColumn(text("version")),
        "published_at": CONFIG.DatetimeColumn(text("col_published")),
        "by": CONFIG.TextColumn(text("col_by")),
        "note": CONFIG.TextColumn(text("publish_note")),
    }
    downloads(f"versions-{editor.name}", lambda: frame, at=place)
    clicked = browse(
        frame,
        columns,
        f"history-{editor.name}-{len(frame)}",
        text("part_history"),
        {"published_at": moment, "version": str},
    )
    if clicked is not None and st.session_state.get("clicked_version") != (editor.name, clicked):
        st.session_state["clicked_version"] = (editor.name, clicked)
        _show_address(version=str(versions[clicked].version))
    wanted_version = st.query_params.get("version", "")
    chosen = next((published for published in versions if str(published.version) == wanted_version), versions[0])
    _draw_version(editor, chosen.version, editor.app.drafts.version(editor.name, chosen.version))


def _draw_version(editor: EditorState, version: int, mapping: RuleMapping) -> None:
    """Draw one version: its differences from the version in force, or all rules of the version in force."""
    name, in_force = text("version_short", version=version), editor.published.version
    section(name)
    if version == in_force:
        note(text("version_in_force"))
        _rules_of(editor, mapping)
        return
    rule_changes = mapping_changes(mapping, editor.published.mapping)
    if rule_changes:
        columns = _difference_columns(name, text("version_short", version=in_force))
        table(_difference_rows(editor, rule_changes), text("changes_title", version=version), columns)
    else:
        note(text("version_same", version=in_force))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if rule_changes and controls.button(
            text("btn_go_back", version=version), icon=":material/history:", key="go_back"
        ):
            editor.app.drafts.take_version(editor.name, version, person())
            _show_address(part="changes")
        if rule_changes:
            note(text("go_back_loses" if editor.changed else "go_back_about"))
    if st.toggle(text("show_all_rules"), key=f"all-rules-{version}"):
        _rules_of(editor, mapping)


def _rules_of(editor: EditorState, mapping: RuleMapping) -> None:
    rows = [
        (fields_of_kind(part), field_name(rule.target), _rule_text(editor, rule), text(f"owner_{rule.ownership}"))
        for rule in mapping.rules
        for part in [kind_of(rule.target)]
    ]
    frame = pd.DataFrame(rows, columns=["part", "field", "rule", "owner"])
    owner = text("col_ownership")
    columns = {
        "part": CONFIG.TextColumn(text("col_part")),
        "field": CONFIG.TextColumn(text("col_field")),
        "rule": CONFIG.TextColumn(text("aspect_rule")),
        "owner": CONFIG.TextColumn(owner),
    }
    table(frame, text("show_all_rules"), columns)


def draft_badges(editor: EditorState) -> list[Markdown]:
    """Return the badge of a page that shows a draft."""
    return [f":orange-badge[:material/edit_note: {text('badge_draft')}]"] if editor.draft else []


def about_draft(editor: EditorState) -> Markdown:
    """Return which version is in force, and who made the draft."""
    published, draft = editor.published, editor.draft
    publication = text(
        "mapping_made",
        version=published.version,
        by=plain(author_name(published.by)),
        moment=moment(published.published_at),
    )
    about = plain(published.note)
    if draft is not None:
        about = text("draft_made", by=plain(author_name(draft.by)), moment=moment(draft.changed_at))
    return f"{publication} · {about}" if about else publication


def part_label(editor: EditorState, part: str) -> Markdown:
    """Return the label of a part of the page; that of the changes includes their number."""
    if part not in ("tables", "history", "changes", "merges"):
        return fields_of_kind(part)
    return text(f"part_{part}") + (f" **{len(editor.changed)}**" if part == "changes" and editor.changed else "")
