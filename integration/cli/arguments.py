"""Arguments and options of terminal commands, and their validation."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from integration.core.errors import ConfigurationError
from integration.core.untrusted_text import visible


def usage_error(message: str, where: str | None = None) -> typer.BadParameter:
    """Return a usage error. Its message is one line, even if the input contains line breaks."""
    return typer.BadParameter(visible(message), param_hint=where)


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Raise a usage error within the block if a file exists already or cannot be written."""
    try:
        yield
    except FileExistsError:
        raise usage_error(f"{file} exists already") from None
    except OSError as error:
        raise usage_error(f"{file} cannot be written: {error.strerror}") from None


def usage_cause(error: Exception) -> ConfigurationError:
    """Return a usage error as an error with a code, for `--json`: its reason, and the command."""
    message = str(getattr(error, "message", "") or error)
    formatted = getattr(error, "format_message", lambda: message)()
    command = getattr(getattr(error, "ctx", None), "info_name", None) or ""
    return ConfigurationError("wrong_use", said=visible(formatted), command=visible(command))


def known_flow(name: str | None) -> str | None:
    """Return the name of a flow. Raises a usage error for an unknown flow."""
    if name is not None:
        from integration.flows.registry import FLOWS  # noqa: PLC0415 - a command without a flow starts in half the time

        if name not in FLOWS:
            raise usage_error(f"there is no flow {name}; the flows are {', '.join(FLOWS)}")
    return name


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
AnyFlow = Annotated[str | None, typer.Argument(help="Only this flow.", callback=known_flow)]
RunId = Annotated[str, typer.Argument(help="ID of the run, from `runs`.")]
Complete = Annotated[bool, typer.Option(help="Read all records instead of only changed ones.")]
Patient = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for a system that does not answer.")]
Shown = Literal["all", "create", "update", "retire", "skip", "park"]


def require_known(names: list[str] | None, known_names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the given names. Raises a usage error for an unknown name."""
    for name in names or ():
        if name not in known_names:
            raise usage_error(f"there is no {name}; possible are {', '.join(known_names)}")
    return tuple(names or ())


def confirmations(arguments: list[str]) -> dict[str, int]:
    """Return the number that was typed for each brake."""
    confirmed = {}
    for argument in arguments:
        name, _, number = argument.partition("=")
        if not number.isdecimal():
            raise usage_error("brake=number, for example brake_price=3")
        confirmed[name] = int(number)
    return confirmed
