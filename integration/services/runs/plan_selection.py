"""Selection of the changes of a plan, together with the changes that depend on them."""

from collections.abc import Callable, Collection, Iterable, Mapping

from integration.core.authorization import requires
from integration.core.flow import Stage
from integration.core.people import Right
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.services.mappings.mappings import Logics
from integration.store.choices import ChoiceStore
from integration.store.plans import PlanStore
from integration.store.runs import RunStore

Needed = Mapping[int, frozenset[int]]  # by line number: the numbers of the lines that create the records which this
# line needs


class PlanSelection:
    """Excluded lines of waiting plans. A line is excluded and included together with the new record that it needs."""

    def __init__(self, choice_store: ChoiceStore, plans: PlanStore, runs: RunStore, logics: Logics) -> None:
        self._choices = choice_store
        self._runs = runs
        self._plans = plans
        self._logics = logics

    @requires(Right.RUN)
    def leave(self, run: str, seqs: Collection[int], by: str) -> frozenset[int]:
        """Exclude changes with all changes that need them, and return the lines that were not excluded before."""
        needs = self._needs_by_line(run)
        return self._choices.exclude(
            run, _transitive_closure(seqs, lambda excluded: (seq for seq in needs if needs[seq] & excluded)), by
        )

    @requires(Right.RUN)
    def take(self, run: str, seqs: Collection[int], by: str) -> frozenset[int]:
        """Include changes with all changes that they need, and return the lines that were excluded before."""
        needs = self._needs_by_line(run)
        return self._choices.take(
            run,
            _transitive_closure(
                seqs, lambda included: (needed_seq for seq in included for needed_seq in needs.get(seq, ()))
            ),
            by,
        )

    def _needs_by_line(self, run: str) -> Needed:
        stages = {flow_stage.name: flow_stage for flow_stage in self._logics.flow(self._runs.get(run).flow).stages}
        kinds = {kind for stage in stages.values() for kind in stage.needs.values()}
        created_rows = self._plans.needing(run, (), kinds)
        created_seqs = {(row.kind, row.key): row.seq for row in created_rows}
        needing = [name for name, stage in stages.items() if stage.write_once or (stage.needs and created_seqs)]
        rows = self._plans.needing(run, needing, ())
        documents = {row.key: row.seq for row in rows if stages[row.stage].write_once}
        needs_by_seq = {row.seq: frozenset(_needs(row, stages[row.stage], created_seqs, documents)) for row in rows}
        return {seq: needs for seq, needs in needs_by_seq.items() if needs}


def _needs(
    row: PlanRow, stage: Stage, created_seqs: Mapping[tuple[Kind, str], int], documents: Mapping[str, int]
) -> Iterable[int]:
    if row.change is None:
        return
    for kind_and_key in stage.needed_records(row.change.desired):
        if kind_and_key in created_seqs:
            yield created_seqs[kind_and_key]
    if (seq := documents.get(row.change.follows)) is not None:
        yield seq


def _transitive_closure(seqs: Collection[int], more: Callable[[frozenset[int]], Iterable[int]]) -> frozenset[int]:
    """Return these lines with all lines that `more` adds, repeated until no line is added."""
    closure = frozenset(seqs)
    while (extended := closure | frozenset(more(closure))) != closure:
        closure = extended
    return closure
