"""Terminal commands about people: list them, and invite a person by a link."""

from typing import Annotated

import typer

from integration.accounts.people import INVITED_AT
from integration.cli import output, terminal
from integration.cli.arguments import Json
from integration.core.people import APART, Person, Role

commands = typer.Typer()
people = typer.Typer(no_args_is_help=True, help="People who may use the console.")
commands.add_typer(people, name="people")


@people.command(name="list")
def list_people(as_json: Json = False) -> None:
    """List people, their roles, and whether they can log in."""
    with terminal.command_application(start=False) as application:
        users = application.people.list_people()
    if as_json:
        output.print_json(
            [{"name": user.ref, "grants": list(user.grants), "state": _access_state(user)} for user in users]
        )
    elif users:
        table = output.table_of("name", "may do", "state")
        for user in users:
            table.add_row(user.ref, " ".join(user.grants), _access_state(user))
        output.out.print(table)
    else:
        output.out.print("Nobody is invited: whoever uses this machine may do everything.")


@people.command()
def invite(
    name: Annotated[str, typer.Argument(help="The log-in name, which the audit log records.")],
    grants: Annotated[
        list[str] | None,
        typer.Option("--may", help=f"{', '.join([*Role, *sorted(APART)])}; may be given several times."),
    ] = None,
    full_name: Annotated[str, typer.Option(help="Full name.")] = "",
    as_json: Json = False,
) -> None:
    """Print a one-time link to log in. An existing person can set a new password with it."""
    with terminal.command_application(start=False) as application:
        key = application.people.invite(name, full_name, grants or [Role.OPERATOR], terminal.terminal_user())
        place = application.log_access.place or "http://127.0.0.1:8501"
    link = f"{place}{INVITED_AT}?key={key}"
    output.print_result({"name": name, "link": link}, f"For {name}, once and within a week: {link}", as_json=as_json)


def _access_state(user: Person) -> str:
    if user.deactivated_at is not None:
        return "off"
    if user.invited_until is not None:
        return "invited"
    return "in" if user.has_logged_in else "not invited"
