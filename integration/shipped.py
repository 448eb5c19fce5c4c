"""Paths of the files shipped with the program, the default data folder, and the command that starts the program.

In a wheel, `app.py`, `pages/`, `static/` and the shipped data are below this package; in a checkout they are beside
it. The program never writes to these folders.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from platformdirs import user_data_path

PACKAGE = Path(__file__).parent
PROGRAM = PACKAGE.parent
"""The folder in which Python finds this package."""

IS_INSTALLED = (PACKAGE / "console").is_dir()
SHIPPED = PACKAGE / "console" if IS_INSTALLED else PROGRAM


def _command_line(*words: str) -> str:
    """Return the words as one command line, quoted for the shell of this platform."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _is_on_path(program: Path) -> bool:
    executable = shutil.which(program.name)
    return executable is not None and Path(executable).exists() and Path(executable).samefile(program)


def _command(*, on_path: bool) -> str:
    """Return the command that starts the program.

    `on_path` says whether the shell has the same search path as this process.
    """
    interpreter = Path(sys.executable)  # not resolved: the path of the interpreter identifies its virtual environment
    own = interpreter.with_name("sluis.exe" if os.name == "nt" else "sluis")
    if IS_INSTALLED and own.exists():
        return own.stem if _is_on_path(own) else _command_line(str(own))
    names = ("python", "python3") if on_path else ()
    python = next((name for name in names if shutil.which(name) == str(interpreter)), str(interpreter))
    return _command_line(python, "-m", "integration")


COMMAND = _command(on_path=True)
"""The command prefix that a person types in the terminal of this process."""


def portable_command(data: Path) -> str:
    """Return the command prefix that works in any terminal of this machine, for this data folder."""
    steps = [] if IS_INSTALLED else [f"cd {_command_line(str(PROGRAM))} &&"]
    if data.absolute() != (DATA if IS_INSTALLED else PROGRAM / DATA):
        steps.append(
            f'set "CONSOLE_DATA={data.absolute()}" &&'
            if os.name == "nt"
            else f"CONSOLE_DATA={_command_line(str(data.absolute()))}"
        )
    return " ".join([*steps, _command(on_path=False)])


DATA = user_data_path("sluis", appauthor=False) if IS_INSTALLED else Path("data")
"""The default data folder. In a checkout it is `data` in the working folder."""
