"""The lines of a plan as a table. Documents have columns for their total, date and branch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from integration.application.application import Application
from integration.core.plan_lines import PlanRow
from integration.core.records import Value
from integration.core.run import Mode, Run
from integration.core.search_keys import document_total
from integration.core.states import RunState
from pages.components.shared.changes import shortened, what_changes
from pages.components.shared.documents import BOOKED, code_and_name, kinds_of
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import state_tag, step_state, tint
from pages.components.shared.tables import CONFIG, Columns, Written
from pages.components.shared.wording import Markdown, money_text, table_day, text

LONGEST_LINE = 110  # characters that fit into the last column of a full-width table
WRITTEN: Written = {"total": money_text, "date": table_day}
DAYS = ("date", "day", "paid_on", "entered")  # dates of a document: as booked, and as received


@dataclass(frozen=True, slots=True)
class DocumentColumns:
    """Total, date and branch of each line; None or empty for lines that are not documents."""

    totals: Sequence[Decimal | None]
    days: Sequence[date | None]
    branches: Sequence[str]

    def columns(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the columns that have content. A branch that all lines share is omitted."""
        if any(amount is not None for amount in self.totals):
            yield "total", [None if amount is None else float(amount) for amount in self.totals]
        if any(self.days):
            yield "date", list(self.days)
        if len(set(filter(None, self.branches))) > 1:
            yield "branch", list(self.branches)


def document_columns(rows: Sequence[PlanRow], branches: Mapping[str, str]) -> DocumentColumns:
    """Return total, date and branch of the plan lines. `branches` has the names of branches by code."""
    values: list[Mapping[str, Value]] = [
        dict(row.change.agreed.values) if row.change and row.kind.type in BOOKED else {} for row in rows
    ]
    totals = [document_total(row.change.agreed) if row.change and row.kind.type in BOOKED else None for row in rows]
    days = [next(filter(None, (_day(document.get(name)) for name in DAYS)), None) for document in values]
    codes = [row.group if row.kind.type in BOOKED else "" for row in rows]
    return DocumentColumns(totals, days, [branches.get(code, code) for code in codes])


def short_branch_names(names: Mapping[str, str]) -> dict[str, str]:
    """Return the names of branches without the leading words that all of them share, such as `Utrecht` and `Zeist`."""
    split = {code: name.split() for code, name in names.items()}
    shortest = min(map(len, split.values()), default=0)
    shared = sum(
        len({tuple(words[:word_count]) for words in split.values()}) == 1 for word_count in range(1, shortest + 1)
    )
    if shared == shortest:  # one of the names consists of the shared words only
        return dict(names)
    return {code: " ".join(words[shared:]) for code, words in split.items()}


def _day(value: Value) -> date | None:
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


def plan_frame(app: Application, run: Run, rows: Sequence[PlanRow], show: str) -> pd.DataFrame:
    """Return the table of a list of plan lines, without columns that would be the same in every row."""
    codes_and_names, kinds = [code_and_name(row) for row in rows], kinds_of(rows)
    name_columns = {"key": [code for code, _ in codes_and_names], "title": [title for _, title in codes_and_names]}
    columns: dict[str, list[Any]] = {name: sentences for name, sentences in name_columns.items() if any(sentences)}
    of = app.flows.spec(run.flow).groups
    sums = dict(
        document_columns(rows, short_branch_names(app.lists.captions(of.system, of.name)) if of else {}).columns()
    )
    columns |= sums
    mixed = len({row.kind for row in rows}) > 1
    if mixed and not sums:
        columns["kind"] = kinds
    if show in ("all", "planned", "proven", "accepted", "in_doubt", "left"):
        columns["action"] = [[state_tag(str(row.action))] for row in rows]
    result = run.state not in (RunState.READY, RunState.PREVIEWING)
    if result and any(row.change for row in rows) and show in ("all", "create", "update", "retire"):
        columns["step"] = [[state_tag(step_state(row.step))] if row.change else [] for row in rows]
    tripped = {brake.code for brake in run.brakes}
    is_braked = [not tripped.isdisjoint(row.brakes) for row in rows]
    if not result and any(is_braked):
        columns["brake"] = [[state_tag("brake")] if is_marked else [] for is_marked in is_braked]
    undone, target = run.mode is Mode.UNDO, app.flows[run.flow].target
    sentences = [what_changes(app, row, undone=undone, system=target, total="total" not in sums) for row in rows]
    if mixed and sums:  # the table is too narrow for another column
        sentences = [
            f"{kind} · {sentence}" if sentence else kind for kind, sentence in zip(kinds, sentences, strict=True)
        ]
    columns["what"] = [shortened(sentence, LONGEST_LINE) for sentence in sentences]
    return pd.DataFrame(columns, index=range(len(rows)))


def plan_columns(frame: pd.DataFrame, show: str) -> Columns:
    """Return the column configuration of the table of a list."""

    def states(caption: str, *names: str, about: Markdown | None = None) -> object:
        return CONFIG.MultiselectColumn(
            caption, options=[state_tag(name) for name in names], color=[tint(name) for name in names], help=about
        )

    columns: Columns = {
        "key": CONFIG.TextColumn(text("col_code")),
        "title": CONFIG.TextColumn(text("col_name")),
        "total": CONFIG.NumberColumn(text("col_incl")),
        "date": CONFIG.DateColumn(text("col_date")),
        "branch": CONFIG.TextColumn(text("col_branch")),
        "kind": CONFIG.TextColumn(text("col_kind")),
        "action": states(text("col_action"), "create", "update", "retire", "skip", "park", about=meaning("retire")),
        "step": states(text("col_status"), "planned", "running", "in_doubt", "proven", "accepted", "parked", "left"),
        "brake": states(text("badge_brake"), "brake"),
        "what": CONFIG.TextColumn(text("col_reason" if show in ("park", "parked", "skip") else "col_what")),
    }
    return {name: column for name, column in columns.items() if name in frame.columns}
