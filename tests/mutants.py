"""Plants faults in a copy of the product, one at a time, and reports which of them the tests detect.

    python -m tests.mutants [WORD ...]     all faults of `tests/faults.toml`, or those with these words in their names

Ends with status 1 if a fault is not detected, or if its tests fail without the fault.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
COPIED = (
    "integration",
    "pages",
    "tests",
    "data",
    "static",
    ".streamlit",
    "app.py",
    "pyproject.toml",
    "requirements.txt",
)
PYTEST = ("-m", "pytest", "-q", "-x", "-n", "0", "-m", "not long")
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Fault:
    """One fault: its file, the text to replace, the new text, and the tests that must detect it."""

    name: str
    file: str
    was: str
    becomes: str
    tests: str


def faults() -> list[Fault]:
    """Return the stored faults in order."""
    with (ROOT / "tests" / "faults.toml").open("rb") as file:
        return [Fault(**entry) for entry in tomllib.load(file)["fault"]]


def plant_fault(root: Path, fault: Fault) -> str:
    """Plant a fault, and return the former content of its file.

    Raises:
        LookupError: what it changes is not there exactly once.

    """
    path = root / fault.file
    before = path.read_text(encoding="utf-8")
    if before.count(fault.was) != 1:
        raise LookupError(f"{fault.file} has {before.count(fault.was)} of: {fault.was}")
    path.write_text(before.replace(fault.was, fault.becomes), encoding="utf-8")
    return before


def status(root: Path, tests: str) -> int:
    """Run tests of a copy and return their exit status."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *PYTEST, *tests.split()]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False).returncode


def main(words: list[str]) -> int:
    """Plant all faults, or those with one of these words in their names, and print the result of each."""
    chosen = [fault for fault in faults() if not words or any(word in fault.name for word in words)]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "main"
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            (root / name).parent.mkdir(exist_ok=True)
            copy(source, root / name)
        sound = {tests: status(root, tests) == PASSED for tests in dict.fromkeys(fault.tests for fault in chosen)}
        for fault in chosen:
            began = time.monotonic()
            before = plant_fault(root, fault)
            caught = status(root, fault.tests) == FAILED
            (root / fault.file).write_text(before, encoding="utf-8")
            verdict = "caught" if caught else "NOT CAUGHT"
            verdict = verdict if sound[fault.tests] else "FAILS WITHOUT IT"
            wrong += verdict != "caught"
            print(f"{verdict:<16} {time.monotonic() - began:5.1f} s  {fault.name}  ({fault.tests})", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)} faults were caught")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
