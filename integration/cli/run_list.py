"""Terminal command that lists runs. It reads the stored runs alone, so that it starts in half the time of others."""

from typing import Annotated

import typer

from integration.application.run_history import open_run_history
from integration.cli import output
from integration.cli.arguments import AnyFlow, Json
from integration.core.people import terminal_actor
from integration.settings import load_settings, operating_system_user
from integration.shipped import COMMAND

commands = typer.Typer()


@commands.command()
def runs(
    flow: AnyFlow = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of entries.")] = 20,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    with open_run_history(load_settings(), terminal_actor(operating_system_user())) as history:
        recent_runs = history.latest(flow, limit=limit)
    if as_json:
        output.print_json([output.summary(recent_run) for recent_run in recent_runs])
    elif recent_runs:
        output.show_counts(recent_runs)
    else:
        output.out.print(f"Nothing has run yet. Start with: {COMMAND} preview products", soft_wrap=True)
