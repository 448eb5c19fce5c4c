"""Arguments and options of terminal commands, and their validation."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from integration.core.errors import ConfigurationError
from integration.core.untrusted_text import visible


def wrong_use(message: str, where: str | None = None) -> typer.BadParameter:
    """Return a usage error. Its message is one line, even if the input contains line breaks."""
    return typer.BadParameter(visible(message), param_hint=where)


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Report as wrong use that a file exists already or cannot be written."""
    try:
        yield
    except FileExistsError:
        raise wrong_use(f"{file} is there already") from None
    except OSError as error:
        raise wrong_use(f"{file} cannot be written: {error.strerror}") from None


def misused(error: Exception) -> ConfigurationError:
    """Return the error about wrong use for `--json`: the reason, and the command."""
    message = str(getattr(error, "message", "") or error)
    formatted = getattr(error, "format_message", lambda: message)()
    command = getattr(getattr(error, "ctx", None), "info_name", None) or ""
    return ConfigurationError("wrong_use", said=visible(formatted), command=visible(command))


def known_flow(name: str | None) -> str | None:
    """Return the name of a flow. An unknown flow is wrong use."""
    if name is not None:
        from integration.flows.registry import FLOWS  # noqa: PLC0415 - a command without a flow starts in half the time

        if name not in FLOWS:
            raise wrong_use(f"there is no flow {name}; there is {', '.join(FLOWS)}")
    return name


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
AnyFlow = Annotated[str | None, typer.Argument(help="Only this flow.", callback=known_flow)]
RunId = Annotated[str, typer.Argument(help="ID of the run, from `runs`.")]
Complete = Annotated[bool, typer.Option(help="Read all records instead of only changed ones.")]
Patient = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for a system that does not answer.")]
Shown = Literal["all", "create", "update", "retire", "skip", "park"]


def expect_known(names: list[str] | None, known_names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the given names. An unknown name is wrong use."""
    for name in names or ():
        if name not in known_names:
            raise wrong_use(f"there is no {name}; there is {', '.join(known_names)}")
    return tuple(names or ())


def confirmations(arguments: list[str]) -> dict[str, int]:
    """Return the number that was typed for each brake."""
    confirmed = {}
    for argument in arguments:
        name, _, number = argument.partition("=")
        if not number.isdecimal():
            raise wrong_use("brake=number, for example brake_price=3")
        confirmed[name] = int(number)
    return confirmed
