"""Sluis from a terminal: `sluis COMMAND`, in a checkout `python -m integration COMMAND`.

Exit status: 0 success, and all totals match; 1 failed, or totals differ; 2 usage error; 3 the plan waits for approval
(nothing was written); 4 another run of the flow is active; 5 a setting or a connection prevents it.
"""

import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from integration import VERSION
from integration.cli.commands import CommandGroup
from integration.cli.exit_status import WRONG_USE, status_of
from integration.cli.standard_streams import set_encoding, show_bug
from integration.core.errors import IntegrationError
from integration.process.permissions import OTHERS

cli = typer.Typer(
    cls=CommandGroup, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"sluis {VERSION}")
        raise typer.Exit


@cli.callback()
def _any_command(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _explain(error: Exception, *, as_json: bool) -> None:
    """Print the cause of an error, or the reason of a usage error."""
    from integration.cli import output  # noqa: PLC0415 - most commands have imported it; the others end well
    from integration.cli.arguments import usage_cause  # noqa: PLC0415 - likewise

    output.explain(error if isinstance(error, IntegrationError) else usage_cause(error), as_json=as_json)


def main() -> None:
    """Run a command, and print an error as sentences without a stack trace. Only the user can read files it creates."""
    os.umask(OTHERS)
    set_encoding()
    sys.excepthook = show_bug
    as_json = "--json" in sys.argv
    try:
        if not as_json:
            cli()
        sys.exit(cli(standalone_mode=False) or 0)
    except TyperException as error:  # a usage error
        _explain(error, as_json=True)
        sys.exit(WRONG_USE)
    except IntegrationError as error:
        _explain(error, as_json=as_json)
        sys.exit(status_of(error))


if __name__ == "__main__":
    main()
