"""The commands that are programs of their own, at work until they are interrupted: systems, a worker, the console."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from integration import terminal
from integration.arguments import Json
from integration.bootstrap import ROOT, build
from integration.settings import load_settings


def sandbox(
    articles: Annotated[int, typer.Option(min=50, help="How large the sample shop is.")] = 400,
    accountview_port: Annotated[int, typer.Option(help="0: any free one.")] = 0,
    mplus_port: Annotated[int, typer.Option(help="0: any free one.")] = 0,
    journal: Annotated[Path | None, typer.Option(help="Keep what was written in this file.")] = None,
    as_json: Json = False,  # noqa: ARG001 - JSON is all it prints
) -> None:
    """Run both systems in a box until interrupted; print their addresses as JSON."""
    arguments = [
        "--articles", str(articles), "--accountview-port", str(accountview_port), "--mplus-port", str(mplus_port),
    ]  # fmt: skip
    if journal:
        arguments += ["--journal", str(journal)]
    os.execv(sys.executable, [sys.executable, "-m", "integration.sandbox", *arguments])  # noqa: S606 - our own program


def worker(as_json: Json = False) -> None:
    """Work off the queue beside the server: on this machine, or on any that reaches the same PostgreSQL."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    application = build(load_settings(), executor="worker", serves=False)
    try:
        application.start()
        if as_json:
            terminal.print_json({"worker": application.work.executor})
            sys.stdout.flush()
        else:
            terminal.err.print("The worker is at work; Ctrl+C stops it.")
        stop.wait()
    finally:
        application.close()


def console(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to listen at; any but this machine's own needs a log-in in front of it.")
    ] = "127.0.0.1",
    as_json: Json = False,
) -> None:
    """Open the console in the browser."""
    settings = load_settings()  # a wrong setting stops here, with its name
    settings.listen(host)
    shown = settings.address or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    arguments = ["--server.port", str(port), "--server.address", host, "--server.headless", "true"]
    arguments += ["--logger.hideWelcomeMessage", "true"]  # the next lines say where the console is
    os.chdir(ROOT)
    if as_json:
        terminal.print_json({"console": shown})
        sys.stdout.flush()
    else:
        terminal.err.print(f"The console: {shown}")
    os.execv(  # noqa: S606 - our own program
        sys.executable, [sys.executable, "-m", "streamlit", "run", "app.py", *arguments]
    )
