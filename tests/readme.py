"""Runs the commands of README and docs in a fresh clone and a fresh shell, and checks the claims of README.

Every block of a shell is run, one file after the other, unless a comment above it says `not run` and why. It ends with
status 1 at the first claim that is not true. The port of the console has to be free.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = re.findall(r"<(http://127\.0\.0\.1:\d+)>", README)[0]
SECONDS_TO_START = 600  # what is installed comes from elsewhere
FENCED = re.compile(
    r"^(?:<!-- not run: (?P<why>[^\n]+) -->\n)?```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
SHELL = "sh"


@dataclass(frozen=True)
class Block:
    """A fenced block of a document: its language, its text, and the reason if it is not run."""

    file: Path
    language: str
    text: str
    why: str


def blocks() -> Iterator[Block]:
    """Yield every block of README and of docs."""
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for match in FENCED.finditer(file.read_text(encoding="utf-8")):
            yield Block(file, match["language"], match["text"], match["why"] or "")


def main() -> None:
    """Follow README and docs as a new user, block by block."""
    first, *others = [block for block in blocks() if block.language == SHELL and not block.why]
    clone, enter, start = first.text.splitlines()
    with tempfile.TemporaryDirectory() as folder:
        shell(clone.replace("ADDRESS-OF-THIS-PAGE", str(ROOT)), Path(folder))
        checkout = Path(folder) / enter.removeprefix("cd ")
        claim("the clone stands in the folder that is named", checkout.is_dir())
        with at_work(start, checkout):
            claim("it is connected to both systems", wait_for(30, both_answered))
        claim("nothing is left behind that git would add", not shell("git status --porcelain", checkout))
        versions = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
        claim("Python 3.11, 3.12 or 3.13", versions == ">=3.11,<3.14" and "Python 3.11, 3.12 or 3.13" in README)
        shell("make demo", checkout)  # which fails where anything does not add up, or is left to write
        home = Path(folder) / "home"
        home.mkdir()
        others.sort(key=lambda block: block.file.name != "installation.md")  # all others call what it installs
        for block in others:
            before = "" if block.file.name == "installation.md" else "sluis runs >/dev/null;"  # a console that was used
            shell(f"set -e; {before} {block.text.replace('/srv/console', str(home / 'restored'))}", checkout, home)


def claim(words: str, holds: bool) -> None:
    """Print a claim that holds; end the program if it does not."""
    print(f"{'true ' if holds else 'WRONG'}  {words}", flush=True)
    if not holds:
        sys.exit(1)


def shell(command: str, folder: Path, home: Path | None = None) -> str:
    """Run commands and return their output, with another home folder if given. Ends the program if they fail."""
    env = strange()
    if home is not None:
        env |= {"HOME": str(home), "PATH": f"{home / 'sluis' / 'bin'}{os.pathsep}{env['PATH']}"}
        env |= {"CONSOLE_BACKUP_PASSPHRASE": "of a stranger"}
    process = subprocess.run(
        ["/bin/sh", "-c", command], check=False, cwd=folder, env=env, text=True, capture_output=True
    )
    claim(f"{command}\n{'' if not process.returncode else process.stderr}", process.returncode == 0)
    return process.stdout


@contextmanager
def at_work(command: str, folder: Path) -> Iterator[None]:
    """Run the console during the block, once its page answers."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=folder, env=strange(), stdout=output, stderr=output, process_group=0
        )
        try:
            while output.tell() == 0 and process.poll() is None and time.monotonic() - began < SECONDS_TO_START:
                time.sleep(0.05)
                output.seek(0, os.SEEK_END)
            print(f"       {time.monotonic() - began:.1f} s to its first word", flush=True)
            while not answers() and process.poll() is None and time.monotonic() - began < SECONDS_TO_START:
                time.sleep(0.2)
            claim(f"{command} opens {ADDRESS}, {time.monotonic() - began:.0f} s after it was called", answers())
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def answers() -> bool:
    """Return True if the console answers with a page and reports no problem."""
    try:
        return bool(read_answer("/") and read_answer("/healthz"))
    except httpx.HTTPError:
        return False


def both_answered() -> bool:
    """Return True if both systems have answered the console."""
    return all(
        re.search(f"console_calls_total.*2xx.*{name}", read_answer("/metrics")) for name in ("AccountView", "Mplus")
    )


def wait_for(seconds: float, holds: Callable[[], bool]) -> bool:
    """Wait a number of seconds for a condition; return True if it holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def read_answer(path: str) -> str:
    """Return the answer of the console. Raises HTTPError for a status other than 200."""
    return httpx.get(f"{ADDRESS}{path}", timeout=5).raise_for_status().text


def strange() -> dict[str, str]:
    """Return an environment without anything of this installation."""
    hidden = str(ROOT / ".venv")
    path = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.startswith(hidden))
    variables = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return {**variables, "PATH": path}


if __name__ == "__main__":
    claim(f"nothing answers at {ADDRESS} yet", not answers())
    main()
