"""The state of the mapping editor, and the labels of fields, functions and rules."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from integration.application.application import Application
from integration.core.errors import Reason
from integration.core.flow import Flow
from integration.core.records import Field, Kind, Record, Value
from integration.core.rules import EMPTY, Rule, RuleCall, as_text
from integration.core.rules import Mapping as RuleMapping
from integration.flows.functions.toolbox import FUNCTIONS, Takes
from integration.flows.settings import TILL
from integration.flows.spec import FlowSpec
from integration.services.mappings.drafts import Draft, RuleChange, mapping_changes
from integration.services.mappings.mappings import Published
from integration.services.mappings.trials import Trial
from integration.words import has_term
from pages.components.shared.inputs import source_fields
from pages.components.shared.layout import answer_or_error
from pages.components.shared.wording import (
    Markdown,
    field_name,
    field_term,
    system_name,
    table_name,
    term,
    text,
    value_text,
)

SAMPLE = 32  # characters of a sample value
CACHE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class EditorState:
    """The mapping of a flow on screen: the version in force, and the draft if there is one."""

    app: Application
    flow: Flow
    published: Published
    draft: Draft | None
    mapping: RuleMapping
    parts: dict[Kind, Kind]
    changed: dict[str, RuleChange]
    faults: dict[str, Reason]

    @property
    def spec(self) -> FlowSpec:
        """Specification of the flow."""
        return self.app.flows.spec(self.flow.name)

    @property
    def name(self) -> str:
        """Name of the flow."""
        return self.flow.name

    @property
    def is_outdated(self) -> bool:
        """True if another version was published since the draft began."""
        return self.draft is not None and self.draft.base != self.published.version

    @property
    def source(self) -> Markdown:
        """Name of the source system."""
        return system_name(self.flow.source)

    @property
    def target(self) -> Markdown:
        """Name of the target system."""
        return system_name(self.flow.target)


def editor_state(app: Application, name: str) -> EditorState:
    """Return the editor state of a flow."""
    flow, published, draft = app.flows.configured_flow(name), app.mappings.published(name), app.drafts.draft(name)
    mapping = draft.mapping if draft else published.mapping
    base = (
        published.mapping if draft is None or draft.base == published.version else app.drafts.version(name, draft.base)
    )
    changed = {change.target: change for change in mapping_changes(base, mapping)}
    return EditorState(
        app,
        flow,
        published,
        draft,
        mapping,
        app.flows.spec(name).parts_of(flow),
        changed,
        app.drafts.faults(name, mapping),
    )


# ---- sample records -------------------------------------------------------------------------------------------------


def trial_of(editor: EditorState, record: Record) -> Trial | None:
    """Return the result of the mapping on screen for a record, cached for a minute.

    After an error, show the error and return None.
    """
    shape = (editor.name, record, editor.mapping, editor.app.rules.tables(), editor.app.flows.settings(editor.name))
    cached_trial: dict[str, Any] = st.session_state.setdefault("tried", {})
    if cached_trial.get("shape") != shape or time.monotonic() - cached_trial["at"] >= CACHE_SECONDS:
        trials = answer_or_error(lambda: editor.app.drafts.trial(editor.name, editor.mapping, [record]))
        if trials is None:
            return None
        cached_trial.update(shape=shape, at=time.monotonic(), trial=trials[0])
    trial: Trial = cached_trial["trial"]
    return trial


def with_captions(fields: Sequence[Field], system: str) -> list[Field]:
    """Return fields with captions in the language of the session, unless the system has its own captions.

    The books have captions in their dictionary; the till has none.
    """

    def caption(captioned: Field) -> str:
        has_caption = has_term(f"field_{captioned.kind}_{captioned.name}") or has_term(f"field_{captioned.name}")
        ours = system == TILL.system or not captioned.wire
        return field_name(f"{captioned.kind}.{captioned.name}") if has_caption and ours else captioned.caption

    return [replace(captioned, caption=caption(captioned)) for captioned in fields]


def source_list(editor: EditorState, part: Kind) -> list[Field] | None:
    """Return the source fields that the rules of a part can read.

    Returns None if the source does not answer; the reason is shown.
    """
    fields = source_fields(editor.app, editor.name, editor.parts[part])
    return None if fields is None else with_captions(fields, editor.flow.source)


# ---- labels ---------------------------------------------------------------------------------------------------------


def function_label(name: str) -> str:
    """Return the label of a function."""
    return text(f"function_{name}") if has_term(f"function_{name}") else name


def short_value(value: Value) -> str:
    """Return a shortened value, or a dash for no value."""
    shortened = " ".join(value_text(value).split())
    return (f"{shortened[:SAMPLE]}…" if len(shortened) > SAMPLE else shortened) or "–"


def source_label(fields: Sequence[Field], name: str, samples: dict[str, Value]) -> str:
    """Return the label of a source field: caption, name, type and a sample value."""
    source = next((candidate for candidate in fields if candidate.name == name), None)
    if source is None:
        return text("field_absent", field=field_name(name)) if name else text("field_none")
    own = source.wire or source.name
    label_parts = [
        source.caption if own == source.caption else f"{source.caption} ({own})",
        text(f"fieldtype_{source.type}"),
    ]
    sample = samples.get(name)
    return " · ".join(label_parts if sample in EMPTY else [*label_parts, short_value(sample)])


def target_about(target: Field | None) -> str:
    """Return the type, the length and the system's own name of a target field."""
    if target is None:
        return text("target_absent")
    parts = [text(f"fieldtype_{target.type}")]
    if target.length:
        parts.append(term("field_length", length=target.length))
    if target.wire and target.wire != target.name:
        parts.append(target.wire)
    return " · ".join(parts)


def call_label(call: RuleCall) -> str:
    """Return a function call with its arguments in a few words."""
    arguments = FUNCTIONS.get(call.name, ())
    argument_texts = []
    for place, value in enumerate(call.args):
        of = arguments[min(place, len(arguments) - 1)] if arguments else None
        if of is not None and of.takes is Takes.FIELD:
            argument_texts.append(field_term(as_text(value)))
        elif of is not None and of.takes is Takes.TABLE:
            argument_texts.append(table_name(as_text(value)))
        elif of is not None and of.takes is Takes.CHOICE and has_term(f"{of.name}_{value}"):
            argument_texts.append(term(f"{of.name}_{value}"))
        elif isinstance(value, str):
            argument_texts.append(f"“{value}”")
        else:
            argument_texts.append(value_text(value))
    return f"{function_label(call.name)} ({', '.join(argument_texts)})" if argument_texts else function_label(call.name)


def way_label(rule: Rule) -> str:
    """Return the steps of a rule in one line: functions, expression, value table and default."""
    if rule.force:
        return text("way_always", value=short_value(rule.default))
    way_steps = [call_label(call) for call in rule.functions]
    if rule.expression:
        way_steps.append(rule.expression)
    if rule.table:
        way_steps.append(text("way_table", table=table_name(rule.table)))
    if rule.default not in EMPTY:
        way_steps.append(
            text("way_default" if rule.source or rule.expression else "way_fixed", value=short_value(rule.default))
        )
    return " → ".join(way_steps)


def aspect_text(name: str, rule: Rule | None, fields: Sequence[Field]) -> str:
    """Return one part of a rule as text; empty if the rule or that part is missing."""
    if rule is None:
        return ""
    value = getattr(rule, name)
    match name:
        case "functions":
            return " → ".join(map(call_label, value))
        case "source":
            source_field = next((candidate for candidate in fields if candidate.name == value), None)
            return source_field.caption if source_field else field_name(value) if value else ""
        case "table":
            return table_name(value) if value else ""
        case "ownership":
            return text(f"owner_{value}")
        case "unmapped":
            return text(f"unmapped_{value}")
        case "force":
            return text("yes" if value else "no")
        case "max_length":
            return str(value or "")
        case "default":
            return value_text(value)
        case _:
            return str(value)
