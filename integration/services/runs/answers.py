"""Explains each value of a plan line: by its rule, its setting, or the change itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from integration.core.errors import Reason
from integration.core.plan import Action, Change
from integration.core.plan_lines import PlanRow
from integration.core.records import Correction, Value, clean, is_same_value
from integration.core.rules import as_text
from integration.core.run import Mode, Run
from integration.core.traces import Trace, WhyAnswer
from integration.flows.spec import FlowLogic

Traces = Mapping[str, Sequence[Trace]]  # by key of the source record


def change_reasons(run: Run, logic: FlowLogic, change: Change) -> dict[str, Reason]:
    """Return the reasons that follow from the change itself, by path of the value.

    An empty path applies to all values.
    """
    if run.mode is Mode.UNDO:
        return {"": Reason("because_undone", {"run": run.undo_of})}
    reasons = dict(logic.change_reasons(change))
    if change.action is Action.RETIRE:
        reasons.setdefault("", Reason("because_gone", {"articles": change.key}))
    return reasons


def explanations(change: Change, traces: Traces, own: Mapping[str, Reason]) -> list[WhyAnswer]:
    """Return the explanation of each value that a change writes."""
    sources = {part.key: part.source for part in change.desired.parts}
    return [
        _answer(path, field, value, sources.get(path.rpartition("/")[0], ""), traces, own)
        for path, field, value in change.desired.fields()
    ]


def explanations_without_change(row: PlanRow, traces: Traces) -> list[WhyAnswer]:
    """Return the explanations of the values of a record for which nothing is written."""
    pairs = ((key, trace) for key, record_traces in traces.items() for trace in record_traces)
    return [WhyAnswer(trace.target, trace.part, trace.value, trace, key or row.key) for key, trace in pairs]


def _answer(path: str, field: str, value: Value, source: str, traces: Traces, own: Mapping[str, Reason]) -> WhyAnswer:
    part = path.rpartition("/")[0]
    candidates = [] if "" in own else list(_candidates(path, field, part, source, traces))
    match = next(((key, trace) for key, trace in candidates if is_same_value(clean(trace.value), value)), None)
    if match is not None:
        return WhyAnswer(field, part, value, match[1], match[0])
    if why := own.get(path) or own.get(""):
        return WhyAnswer(field, part, value, Trace(field, (), value, reason=why, part=part), source)
    if not candidates:
        return WhyAnswer(field, part, value, None, source)
    key, newest = candidates[-1]
    if len(traces) > 1 and not part:
        together = Trace(field, newest.steps, value, reason=Reason("because_together", {"count": str(len(traces))}))
        return WhyAnswer(field, part, value, together, key)
    return WhyAnswer(field, part, value, newest, key, has_moved=True)


def _candidates(path: str, field: str, part: str, source: str, traces: Traces) -> Iterator[tuple[str, Trace]]:
    """Yield the traces that may explain a value, each with the key of its source record."""
    for key, record_traces in traces.items():
        if part and source and key != source:
            continue
        for trace in record_traces:
            is_here = trace.target == path or (trace.target == field and trace.part in ("", part))
            if is_here and trace.issue is None:
                yield key, trace


def traces_with_corrections(traces: Traces, corrections: Mapping[str, Sequence[Correction]]) -> dict[str, list[Trace]]:
    """Return the traces with a correction as the reason where a person's value replaces the value of the source."""
    return {
        key: [_with_correction(trace, corrections.get(key, ())) for trace in record_traces]
        for key, record_traces in traces.items()
    }


def _with_correction(trace: Trace, corrections: Sequence[Correction]) -> Trace:
    field = trace.reason.facts.get("field", "") if trace.reason else ""
    correction = next((candidate for candidate in corrections if candidate.field == field), None)
    if correction is None:
        return trace
    facts = {"field": field, "person": correction.by, "was": as_text(correction.was)}
    return replace(trace, reason=Reason("because_corrected", facts))
