"""Output of the terminal: tables that fit its width, and errors; or JSON for programs."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration.core.connections import Finding
from integration.core.errors import IntegrationError
from integration.core.plan_lines import PlanRow
from integration.core.run import Run
from integration.core.untrusted_text import json_line, visible
from integration.shipped import COMMAND
from integration.words import has_term, headline, repair_command, say, sentence

RUN_ID_SIGNS = len("261125-141154-66fcff")


WIDEST = 1_000  # characters; wider than any terminal


class _Terminal(Console):
    """Console that prints text literally: in one line, with every character visible and no markup."""

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text in its drawn form, alone or in a table."""
        return super().render_str(visible(text), **how)


out = _Terminal(markup=False, highlight=False, emoji=False)


err = _Terminal(stderr=True, markup=False, highlight=False, emoji=False)


def explain(error: IntegrationError, *, as_json: bool) -> None:
    """Print the cause of an error, its meaning for the data, and the remedy."""
    sentences = say(error.code, error.facts)
    if as_json:
        print_json({"error": error.code, "facts": dict(error.facts), **asdict(sentences)})
        return
    err.print(sentences.problem, style="bold")
    err.print(*(part for part in (sentences.data, sentences.do) if part), sep="\n")
    if command := repair_command(error.code, error.facts):
        err.print(f"The command: {command}", soft_wrap=True)


def table_of(*columns: str, numbers: Collection[str] = (), short: Mapping[str, str] | None = None) -> Table:
    """Return a table without borders; numbers are right-aligned and never wrapped.

    `short` has headings in several lines, by column name.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in columns:
        if name in numbers:
            table.add_column(Text((short or {}).get(name) or visible(name)), justify="right", no_wrap=True)
        else:
            fixed = RUN_ID_SIGNS if name == "run" else None  # a truncated id would identify no run
            table.add_column(name, overflow="fold", no_wrap=name in ("run", "state", "action", "flow"), min_width=fixed)
    return table


def _fits_width(table: Table) -> bool:
    """Return True if every line of a table fits the width of this terminal."""
    return out.measure(table, options=out.options.update_width(WIDEST)).maximum <= out.width


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(json_line(value) + "\n")


def print_result(value: object, text: str, *, as_json: bool) -> None:
    """Print a value as one line of JSON, or the text for people."""
    if as_json:
        print_json(value)
    else:
        out.print(text, soft_wrap=True)


def summary(run: Run) -> dict[str, Any]:
    """Return the JSON values of a run."""
    return {
        "run": run.id, "flow": run.flow, "state": run.state, "mode": run.mode, "by": run.by,
        "started_at": run.started_at, "ended_at": run.ended_at, "fingerprint": run.mark,
        "mapping_version": run.mapping_version, "error": run.error,
        "brakes": [asdict(brake) for brake in run.brakes],
        "left_out": sorted(run.excluded), **asdict(run.counts), "difference": run.counts.difference,
    }  # fmt: skip


def show_end(run: Run, *, as_json: bool) -> None:
    """Show the result of a run, and its error if any."""
    if as_json:
        print_json(summary(run))
    else:
        show_counts([run])
        if run.had_no_effect:
            out.print(f"Nothing written; {run.counts.parked} need attention. `issues` lists the causes.")
        if run.error:
            explain(IntegrationError(run.error, **run.facts), as_json=False)


RARE = ("accepted", "in doubt")  # shown only if not zero


NUMBERS = ("read", "proven", "accepted", "unchanged", "skipped", "parked", "in doubt", "waiting")


def show_counts(runs: list[Run]) -> None:
    """Show the record counts of runs, in a table if it fits."""
    lines = [
        (
            counted_run.counts.read_count,
            counted_run.counts.proven,
            counted_run.counts.accepted,
            counted_run.counts.unchanged,
            counted_run.counts.skipped,
            counted_run.counts.parked,
            counted_run.counts.in_doubt,
            counted_run.counts.planned,
        )
        for counted_run in runs
    ]
    shown_columns = [at for at, name in enumerate(NUMBERS) if name not in RARE or any(line[at] for line in lines)]
    names = [NUMBERS[at] for at in shown_columns]
    table = table_of("run", "flow", "state", *names, numbers=names)
    for run, line in zip(runs, lines, strict=True):
        table.add_row(run.id, run.flow, run.state, *(str(line[at]) for at in shown_columns))
    if _fits_width(table):
        out.print(table)
        return
    for run, line in zip(runs, lines, strict=True):
        out.print(f"{run.id}  {run.flow}  {run.state}")
        out.print("  " + " · ".join(f"{NUMBERS[at]} {line[at]}" for at in shown_columns))


def show_how_to_commit(run: Run) -> None:
    """Show the brakes of a plan, and the command that writes it."""
    command = f"{COMMAND} commit {run.id} --fingerprint {run.mark}"
    if run.excluded:
        out.print(f"Excluded changes: {len(run.excluded)}.")
    for brake in run.brakes:
        explanation = say(brake.code, brake.facts).problem
        out.print(f"{headline(brake.code, {})}: {explanation}")
        command += f" --confirm {brake.code}={brake.count}"
    out.print("Write this plan with:")
    out.print(command, soft_wrap=True)


def row_json(row: PlanRow) -> dict[str, Any]:
    """Return the JSON values of a line of a plan."""
    change = row.change
    return {
        "line": row.seq, "action": row.action, "kind": row.kind, "key": row.key, "title": row.title,
        "records": row.weight, "state": row.step, "cause": row.cause, "facts": dict(row.facts),
        "before": dict(change.before.flat()) if change and change.before else {},
        "desired": dict(change.desired.flat()) if change else {},
    }  # fmt: skip


def show_findings(findings_by_system: Mapping[str, Sequence[Finding]]) -> None:
    """Show the findings of the check of each system."""
    table = table_of("system", "checked", "", "flow", "about")
    for system, findings in findings_by_system.items():
        for finding in findings:
            mark = {True: "✓", False: "×", None: "–"}[finding.ok]
            sentences = say(finding.cause, finding.facts) if finding.cause else None
            word = f"found_{finding.name}_{finding.about}"
            well = sentence(word) if has_term(word) else finding.about
            about = f"{sentences.problem} {sentences.do}" if sentences and not finding.ok else well
            table.add_row(system, finding.name, mark, finding.facts.get("flow", ""), about)
    out.print(table)


def show_answer(answer: Mapping[str, Any]) -> None:
    """Show the answer of a log query: `columns` and `rows`."""
    lines = answer["rows"]
    numbers = [name for at, name in enumerate(answer["columns"]) if lines and isinstance(lines[0][at], int | float)]
    table = table_of(*answer["columns"], numbers=numbers)
    for line in lines:
        table.add_row(*("" if value is None else str(value) for value in line))
    out.print(table)
