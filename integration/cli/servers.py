"""Commands that run until they are interrupted: the sandbox, a worker, the console."""

import runpy
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from integration.application.bootstrap import build
from integration.cli import output
from integration.cli.arguments import Json
from integration.core.connections import is_loopback
from integration.process.child_environment import has_screen
from integration.process.signals import interruption_waiter
from integration.settings import load_settings
from integration.shipped import PROGRAM, SHIPPED

commands = typer.Typer()


@commands.command()
def sandbox(
    articles: Annotated[int, typer.Option(min=50, help="Number of articles of the sample shop.")] = 400,
    accountview_port: Annotated[int, typer.Option(help="Port; 0 chooses a free one.")] = 0,
    mplus_port: Annotated[int, typer.Option(help="Port; 0 chooses a free one.")] = 0,
    journal: Annotated[
        Path | None, typer.Option(help="File that stores the writes, so that a restart continues from them.")
    ] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="The till accepts fields in any order.")] = False,
    as_json: Json = False,  # noqa: ARG001 - JSON is all it prints
) -> None:
    """Run both sandbox systems until interrupted, and print their addresses as JSON."""
    arguments = [
        "--articles", str(articles), "--accountview-port", str(accountview_port), "--mplus-port", str(mplus_port),
    ]  # fmt: skip
    if journal:
        arguments += ["--journal", str(journal)]
    if lenient:
        arguments += ["--lenient"]
    _run_module("integration.sandbox", *arguments)


@commands.command()
def worker(as_json: Json = False) -> None:
    """Execute queued runs as a further process, here or on another machine with the same PostgreSQL."""
    until_interrupted = interruption_waiter()
    application = build(load_settings(), executor="worker", serves=False)
    try:
        application.start()
        if as_json:
            output.print_json({"worker": application.work.executor})
            sys.stdout.flush()
        else:
            output.err.print("The worker is running; Ctrl+C stops it.")
        until_interrupted()
    finally:
        application.close()


@commands.command()
def console(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on. Addresses of other machines need a proxy with a log-in."),
    ] = "127.0.0.1",
    as_json: Json = False,
) -> None:
    """Start the console, and open it in the browser if a person starts it in a terminal."""
    settings = load_settings()  # raises an error with the name of an invalid setting
    if settings.log_in == "proxy" and settings.login_proxy.socket:
        _print_url(settings.address, as_json=as_json)
        _run_module("integration.web.unix_socket")
    settings.listen(host)
    console_url = settings.address or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    arguments = ["--server.port", str(port), "--server.address", host]
    arguments += ["--logger.hideWelcomeMessage", "true"]  # the next lines say where the console is
    opens = has_screen() and sys.stderr.isatty() and not as_json and not settings.address and is_loopback(host)
    arguments += ["--server.headless", str(not opens).lower()]
    _print_url(console_url, as_json=as_json)
    _run_module("streamlit", "run", str(SHIPPED / "app.py"), *arguments)


def _print_url(console_url: str, *, as_json: bool) -> None:
    if as_json:
        output.print_json({"console": console_url})
        sys.stdout.flush()
    else:
        output.err.print(f"The console: {console_url}")


def _run_module(module: str, *arguments: str) -> NoReturn:
    """Continue as another program in this process, which has imported most of its modules already.

    Removes the current folder from the import path, so that its files are not imported.
    """
    work_folder = Path.cwd()
    sys.path[:] = [str(PROGRAM), *(folder for folder in sys.path if Path(folder).resolve() != work_folder)]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()
