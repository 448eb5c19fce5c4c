"""Terminal commands that query and export the log."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from integration.application.application import Application
from integration.cli import output, terminal
from integration.cli.arguments import Json, usage_error, writing
from integration.log.client import ask_server

commands = typer.Typer()


@commands.command(name="log")
def log_(
    sql: Annotated[str, typer.Argument(help="One SELECT statement. The table is named events.")],
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of rows.")] = 100,
    as_json: Json = False,
) -> None:
    """Query the log with SQL. Queries cannot change it."""
    with terminal.command_application(start=False) as application:
        request = {"sql": sql, "rows": rows}
        answer = _ask_server_or_file(application, request, lambda: application.log.answer(sql, rows=rows))
    if as_json:
        output.print_json(answer)
        return
    output.show_answer(answer)
    if answer["cut"]:
        output.out.print(f"The first {rows} rows; --rows shows more.")


@commands.command()
def export(path: Annotated[Path, typer.Argument(help="A .csv or .parquet file.")], as_json: Json = False) -> None:
    """Write the log to a file: .csv or .parquet."""
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise usage_error("the name of the file must end in .csv or .parquet")
    with terminal.command_application(start=False) as application, writing(path):
        answer = _ask_server_or_file(
            application, {"export": str(path.absolute())}, lambda: {"events": application.log.export(path)}
        )
    output.print_result({"path": str(path), **answer}, f"{answer['events']} events written to {path}", as_json=as_json)


def _ask_server_or_file(
    application: Application, request: Mapping[str, Any], answer_here: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Return the answer of the local server if it runs, otherwise the result of `answer_here`."""
    answer = ask_server(application.log_access.data, request)
    if answer is None:
        answer = answer_here()
    terminal.tell_of_log(application)
    return answer
