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

MOST_TOLD = 6
LONGEST_TOLD = 400
EVERY = 100_000
DEFECT = "unexpected_error"
SETTLED = (Step.PROVEN, Step.ACCEPTED)


def differences_from_baseline(baseline: LabOutcome, left: LabOutcome) -> tuple[Harm, list[str]]:
    """Return the differences from the baseline, as counts and as texts.

    A document may exist once, or as often as before the trial, whatever the baseline has. A document that the baseline
    does not have, for example because it was parked, counts as doubled only if its copy has another reference.
    """
    before, after = baseline.counts(), left.counts()
    doubled, lost = after - before, before - after
    for name in filter(is_document, {*before, *after}):
        most = max(baseline.at_first[name], 1)
        doubled[name] = max(after[name] - most, 0)
        lost[name] = max(min(before[name], most) - after[name], 0)
    beyond = {name for name in after.keys() - before.keys() if is_document(name)}
    doubled.update({name: 1 for name in beyond if left.has_copy(name)})
    doubled, lost, beyond = +doubled, +lost, beyond - (+doubled).keys()
    altered = [
        name
        for name in before.keys() & after.keys()
        if before[name] == after[name] and sorted(baseline.records[name]) != sorted(left.records[name])
    ]
    both = baseline.sums.keys() & left.sums.keys()
    cents = {name: _apart(baseline.sums[name], left.sums[name]) for name in both if before[name] == after[name]}
    apart = sum(cents.values(), Decimal(0)).quantize(Decimal("0.01"))
    harm = Harm(doubled.total(), lost.total(), apart, len(altered) + len(beyond))
    told = [f"doubled: {name}" for name in sorted(doubled)] + [f"lost: {name}" for name in sorted(lost)]
    told += [f"not there after a calm run: {name}" for name in sorted(beyond)]
    told += [f"altered: {name}: {_difference(baseline, left, name)}" for name in sorted(altered)]
    return harm, told[:MOST_TOLD]


def accounted(runs: RunStore, plans: PlanStore, events: OutboxReader) -> tuple[int, list[str]]:
    """Return how many runs do not add up or met a defect, and how many changes lack exactly one event, with texts."""
    told = []
    settled: Counter[tuple[str, str, str, str]] = Counter()
    for run in runs.latest(limit=EVERY):
        counts = runs.counts(run.id)
        is_over = run.state is RunState.DONE
        if counts.difference or (is_over and (counts.in_doubt or counts.planned)):
            told.append(f"run {run.id} does not add up: {counts}")
        if run.error == DEFECT:
            told.append(f"run {run.id} met a defect: {dict(run.facts)}")
        for row in plans.rows(run.id, "changes", limit=EVERY):
            if row.step in SETTLED:
                settled[run.id, str(row.kind), row.key, str(row.step)] += 1
    kept = Counter(
        (str(one["run"]), str(one["kind"]), str(one["key"]), str(one["event"]))
        for one in events.waiting(EVERY)
        if one["event"] in SETTLED
    )
    told += [f"an event too many: {one}" for one in sorted((kept - settled).elements())]
    told += [f"an event is missing: {one}" for one in sorted((settled - kept).elements())]
    return len(told), told[:MOST_TOLD]


def _apart(some: dict[str, Decimal], others: dict[str, Decimal]) -> Decimal:
    nothing = Decimal(0)
    return sum((abs(some.get(code, nothing) - others.get(code, nothing)) for code in {*some, *others}), nothing)


def _difference(baseline: LabOutcome, left: LabOutcome, name: str) -> str:
    before, after = (set(one.records[name]) for one in (baseline, left))
    told = [_fields(json.loads(next(iter(sorted(rows)), "{}"))) for rows in (before - after, after - before)]
    moved = [name for name in {**told[0], **told[1]} if told[0].get(name) != told[1].get(name)]
    return "; ".join(f"{name} {told[0].get(name)} became {told[1].get(name)}" for name in moved)[:LONGEST_TOLD]


def _fields(content: Any) -> dict[str, Any]:
    """Return the fields of a record. A document consists of header and lines, a product of several parts."""
    parts = content if isinstance(content, list) else [content]
    return {**parts[0], **{f"part {at}": part for at, part in enumerate(parts[1:], 1)}}
