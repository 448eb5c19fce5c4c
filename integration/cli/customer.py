"""Terminal commands about a data subject: show, export or erase the stored data of one person."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from integration.application.application import Application
from integration.cli import output, terminal
from integration.cli.arguments import Json, usage_error, writing
from integration.core.erasure import Customer
from integration.words import LANGUAGES

commands = typer.Typer()
customer = typer.Typer(no_args_is_help=True, help="Personal data of one customer.")
commands.add_typer(customer, name="customer")

Debtor = Annotated[str, typer.Option(help="The number of a debtor in AccountView.")]
Relation = Annotated[str, typer.Option(help="The number of a relation in MplusKASSA.")]


def _find_customer(application: Application, debtor: str, relation: str) -> Customer:
    if bool(debtor.strip()) is bool(relation.strip()):
        raise usage_error("give either --debtor or --relation")
    return application.data_subjects.customer(debtor, relation)


@customer.command()
def show(debtor: Debtor = "", relation: Relation = "", as_json: Json = False) -> None:
    """Show the stored data of a customer, and the documents that were booked for the customer."""
    with terminal.command_application(start=False) as application:
        stored_data = application.data_subjects.stored_data(_find_customer(application, debtor, relation))
    subject = stored_data.person.customer
    if as_json:
        result = {
            "debtor": subject.debtor,
            "relation": subject.relation,
            "rows": stored_data.rows,
            "events": stored_data.events,
        }
        result |= {
            "documents": [asdict(document) for document in stored_data.documents],
            "is_excluded": stored_data.is_excluded,
        }
        output.print_json(result)
        return
    table = output.table_of("where", "rows", numbers=("rows",))
    for name, rows in {**stored_data.rows, "log": stored_data.events}.items():
        table.add_row(name, str(rows))
    output.out.print(table)
    numbers = f"debtor {subject.debtor or 'unknown'}, relation {subject.relation or 'unknown'}"
    output.out.print(
        f"{numbers}; {'erased, takes no part' if stored_data.is_excluded else 'takes part'}", soft_wrap=True
    )
    for document in stored_data.documents:
        output.out.print(f"{document.kind} {document.key}: {document.reference} in AccountView", soft_wrap=True)


@customer.command()
def access(
    file: Annotated[Path, typer.Argument(help="The ZIP file to write.")],
    debtor: Debtor = "",
    relation: Relation = "",
    language: Annotated[str, typer.Option(help="Language of the page: en, nl or de.")] = "en",
    as_json: Json = False,
) -> None:
    """Write all stored data of a customer to a ZIP file, as a page and as JSON."""
    if language not in LANGUAGES:
        raise usage_error("the language is en, nl or de", "--language")
    with terminal.command_application(start=False) as application:
        packed = application.data_subjects.access(
            _find_customer(application, debtor, relation), terminal.terminal_user(), language
        )
    with writing(file), file.open("xb") as stream:
        stream.write(packed)
    output.print_result(
        {"path": str(file), "bytes": len(packed)}, f"All stored data of this customer is in {file}", as_json=as_json
    )


@customer.command()
def erase(
    confirm: Annotated[str, typer.Option(help="The number of the customer, typed again. This cannot be undone.")],
    debtor: Debtor = "",
    relation: Relation = "",
    as_json: Json = False,
) -> None:
    """Erase a customer from the database, the log and all files of this console, and exclude it from runs."""
    with terminal.command_application(start=False) as application:
        subject = _find_customer(application, debtor, relation)
        stored_data = application.data_subjects.stored_data(subject)
        erasure_result = application.data_subjects.erase(subject, confirm, terminal.terminal_user())
    if as_json:
        output.print_json(
            {**asdict(erasure_result), "documents": [asdict(document) for document in stored_data.documents]}
        )
        return
    output.out.print(
        f"Erased: {sum(erasure_result.rows.values())} rows and {erasure_result.events} events.", soft_wrap=True
    )
    if erasure_result.files:
        output.out.print(f"Deleted files: {', '.join(erasure_result.files)}", soft_wrap=True)
    if erasure_result.remaining:
        output.out.print(f"Settings still contain the name: {', '.join(erasure_result.remaining)}", soft_wrap=True)
    for document in stored_data.documents:
        output.out.print(f"Stays in AccountView: {document.kind} {document.reference}", soft_wrap=True)
    for line in ELSEWHERE:
        output.out.print(line, soft_wrap=True)


ELSEWHERE = (
    "Not erased by this command: both systems, exported files, and the journal of the sandbox.",
    "Older backups still contain the customer. Keep a copy of console.erased outside of them, for `restore`.",
)


@customer.command()
def lift(debtor: Debtor = "", relation: Relation = "", as_json: Json = False) -> None:
    """Include the records of an erased customer in runs again."""
    with terminal.command_application(start=False) as application:
        lifted = application.data_subjects.lift(_find_customer(application, debtor, relation), terminal.terminal_user())
    output.print_result({"lifted": lifted}, "Included in runs again." if lifted else "Was not erased.", as_json=as_json)


@customer.command()
def resume(as_json: Json = False) -> None:
    """Finish an interrupted erasure."""
    with terminal.command_application(start=False) as application:
        finished = application.data_subjects.resume(terminal.terminal_user())
    output.print_result({"finished": finished}, f"{finished} finished.", as_json=as_json)
