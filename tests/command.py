"""Runs a terminal command in a forked process that has everything imported except the terminal itself."""

import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb  # noqa: F401 - imported late, as all below
import typer.rich_utils  # noqa: F401

import integration.connectors.accountview.connector
import integration.connectors.mplus.connector
import integration.services  # noqa: F401 - and with it all but the terminal, which measures its width when imported

ROOT = Path(__file__).parent.parent


def run(arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path) -> None:
    """Run `python -m integration` in this environment; its output goes to two files."""
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.argv = ["", *arguments]
    runpy.run_module("integration", run_name="__main__", alter_sys=True)
