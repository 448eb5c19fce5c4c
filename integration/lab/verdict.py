"""Compares the result of a trial with the baseline: doubled, lost and altered records, and wrong amounts."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

from integration.core.states import RunState, Step
from integration.lab.outcome import LabOutcome, is_document
from integration.lab.report import Harm
from integration.store.outbox_reader import OutboxReader
from integration.store.plans import PlanStore
from integration.store.runs import RunStore

MAX_MESSAGES = 6
MAX_MESSAGE_LENGTH = 400
EVERY = 100_000
DEFECT = "unexpected_error"
SETTLED = (Step.PROVEN, Step.ACCEPTED)


def differences_from_baseline(baseline: LabOutcome, outcome: LabOutcome) -> tuple[Harm, list[str]]:
    """Return the differences from the baseline, as counts and as texts.

    A document may exist once, or as often as before the trial, whatever the baseline has. A document that the baseline
    does not have, for example because it was parked, counts as doubled only if its copy has another reference.
    """
    before, after = baseline.counts(), outcome.counts()
    doubled, lost = after - before, before - after
    for name in filter(is_document, {*before, *after}):
        expected = max(baseline.at_first[name], 1)
        doubled[name] = max(after[name] - expected, 0)
        lost[name] = max(min(before[name], expected) - after[name], 0)
    beyond = {name for name in after.keys() - before.keys() if is_document(name)}
    doubled.update({name: 1 for name in beyond if outcome.has_copy(name)})
    doubled, lost, beyond = +doubled, +lost, beyond - (+doubled).keys()
    altered = [
        name
        for name in before.keys() & after.keys()
        if before[name] == after[name] and sorted(baseline.records[name]) != sorted(outcome.records[name])
    ]
    shared_names = baseline.sums.keys() & outcome.sums.keys()
    cents = {
        name: _total_difference(baseline.sums[name], outcome.sums[name])
        for name in shared_names
        if before[name] == after[name]
    }
    apart = sum(cents.values(), Decimal(0)).quantize(Decimal("0.01"))
    harm = Harm(doubled.total(), lost.total(), apart, len(altered) + len(beyond))
    texts = [f"doubled: {name}" for name in sorted(doubled)] + [f"lost: {name}" for name in sorted(lost)]
    texts += [f"not in the result without faults: {name}" for name in sorted(beyond)]
    texts += [f"altered: {name}: {_difference(baseline, outcome, name)}" for name in sorted(altered)]
    return harm, texts[:MAX_MESSAGES]


def unaccounted_runs(runs: RunStore, plans: PlanStore, events: OutboxReader) -> tuple[int, list[str]]:
    """Return how many runs do not add up or met a defect, and how many changes lack exactly one event, with texts."""
    texts = []
    settled: Counter[tuple[str, str, str, str]] = Counter()
    for run in runs.latest(limit=EVERY):
        counts = runs.counts(run.id)
        is_over = run.state is RunState.DONE
        if counts.difference or (is_over and (counts.in_doubt or counts.planned)):
            texts.append(f"run {run.id} does not add up: {counts}")
        if run.error == DEFECT:
            texts.append(f"run {run.id} met a defect: {dict(run.facts)}")
        for row in plans.rows(run.id, "changes", limit=EVERY):
            if row.step in SETTLED:
                settled[run.id, str(row.kind), row.key, str(row.step)] += 1
    waiting_events = Counter(
        (str(event["run"]), str(event["kind"]), str(event["key"]), str(event["event"]))
        for event in events.waiting(EVERY)
        if event["event"] in SETTLED
    )
    texts += [f"there is an extra event: {event}" for event in sorted((waiting_events - settled).elements())]
    texts += [f"an event is missing: {event}" for event in sorted((settled - waiting_events).elements())]
    return len(texts), texts[:MAX_MESSAGES]


def _total_difference(sums: dict[str, Decimal], others: dict[str, Decimal]) -> Decimal:
    nothing = Decimal(0)
    return sum((abs(sums.get(code, nothing) - others.get(code, nothing)) for code in {*sums, *others}), nothing)


def _difference(baseline: LabOutcome, outcome: LabOutcome, name: str) -> str:
    before, after = (set(state.records[name]) for state in (baseline, outcome))
    sides = [_fields(json.loads(next(iter(sorted(rows)), "{}"))) for rows in (before - after, after - before)]
    moved = [name for name in {**sides[0], **sides[1]} if sides[0].get(name) != sides[1].get(name)]
    return "; ".join(f"{name} {sides[0].get(name)} became {sides[1].get(name)}" for name in moved)[:MAX_MESSAGE_LENGTH]


def _fields(content: Any) -> dict[str, Any]:
    """Return the fields of a record. A document consists of header and lines, a product of several parts."""
    parts = content if isinstance(content, list) else [content]
    return {**parts[0], **{f"part {at}": part for at, part in enumerate(parts[1:], 1)}}
