"""Runs the random tests with seeds of your choice: `make histories [GROUP=days] [SEEDS=1000-1200]`.

Prints a line for each group and seed, and for each failure the command that repeats it. Without seeds, the fresh ones
of today are used.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.seeds import fresh_seeds, parse_seeds, today
from tests.suite import OPTIONS, PASSED, PYTEST, ROOT, WITHOUT, scratch

GROUPS = {
    "payments": ("tests/flows/payments",),
    "days": ("tests/flows/days", "tests/flows/test_day_pages.py", "tests/core/days"),
    "orders": ("tests/flows/orders", "tests/core/totals"),
    "customers": ("tests/flows/customers",),
    "stock": ("tests/flows/stock", "tests/test_hash_stories.py"),
    "prices": ("tests/test_offer_stories.py", "tests/flows/products"),
    "lab": ("tests/lab",),
}
MARKS = "seeds or hypothesis"
FAILED_TEST = re.compile(r"^(?:FAILED|ERROR) (\S+?::\S+)", re.MULTILINE)
USAGE = f"usage: python -m tests.histories [{'|'.join(GROUPS)}|all] [SEEDS, such as 7,1000-1200]"


@dataclass(frozen=True)
class Trial:
    """The random tests of a group with one seed."""

    group: str
    seed: int

    def run(self, folder: Path) -> "Result":
        """Run the tests in a process of their own."""
        began = time.monotonic()
        seed = str(self.seed)
        options = ("-m", MARKS, "-n", "0", "--seeds", seed, "--hypothesis-seed", seed, *WITHOUT, *OPTIONS)
        environment = {**os.environ, "TMPDIR": str(folder)}
        command = [*PYTEST, *options, *GROUPS[self.group]]
        process = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
        return Result(self, process.returncode == PASSED, time.monotonic() - began, process.stdout + process.stderr)


@dataclass(frozen=True)
class Result:
    """The result of a trial, with the output of pytest."""

    trial: Trial
    passed: bool
    seconds: float
    output: str

    def report(self) -> str:
        """Return the line of this trial, and for a failure the failed tests and the command that repeats it."""
        group, seed = self.trial.group, self.trial.seed
        line = f"{group} {seed} {'ok' if self.passed else 'FAILED'} {self.seconds:.0f} s"
        if self.passed:
            return line
        failed_tests = [f"  {name}" for name in FAILED_TEST.findall(self.output)] or [self.output[-2000:]]
        return "\n".join([line, *failed_tests, f"  again: make histories GROUP={group} SEEDS={seed}"])


def run(groups: Sequence[str], seeds: Sequence[int]) -> int:
    """Run the groups with each seed, as many at once as there are processors, and return the exit status."""
    failed: list[Result] = []
    trials = [Trial(group, seed) for seed in seeds for group in groups]
    with scratch() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        for coming in as_completed([pool.submit(trial.run, folder) for trial in trials]):
            result = coming.result()
            print(result.report(), flush=True)
            failed += [] if result.passed else [result]
    print(f"{len(trials)} trials, {len(failed)} failed")
    return 1 if failed else 0


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names: a group or `all`, and seeds."""
    group, seeds, *others = [*arguments, "", ""][: max(2, len(arguments))]
    if others or group not in ("", "all", *GROUPS):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        chosen_seeds = parse_seeds(seeds) if seeds else fresh_seeds(today())
    except ValueError:
        print(USAGE, file=sys.stderr)
        return 2
    return run(list(GROUPS) if group in ("", "all") else [group], chosen_seeds)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
