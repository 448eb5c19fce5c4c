"""Opens the browser of this machine with the program that its desktop provides."""

import shutil
import subprocess
import sys

from integration.process.child_environment import with_screen

OPENERS = {"darwin": ("open",), "win32": ("cmd", "/c", "start", "")}
OF_OTHERS = ("xdg-open",)


def open_browser(address: str) -> None:
    """Open an address in the browser if this machine has such a program. Its output is discarded."""
    program = OPENERS.get(sys.platform, OF_OTHERS)
    if shutil.which(program[0]):
        quiet = subprocess.DEVNULL
        subprocess.Popen([*program, address], env=with_screen(), stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 - our own address
