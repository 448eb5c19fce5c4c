"""Compare the behaviour of the console with the recording: `make same`, renewed with `RECORD=1`.

A fixed story on both built-in systems, with a fixed shop and a clock that stands still between its steps, says what
each system was asked, every line of every plan, and what became of it. It is told with one call to the till at a time,
and its first round with four; `demo --json` is the third part. Each has a process of its own, and differs in nothing
from one day, machine and time zone to another.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.same.recording import Lines, differences, read, write

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "recorded"
NOW = ROOT / "test-output" / "same"
PARTS = ("one", "four", "demo")


def main() -> int:
    """Compare, or record."""
    parser = argparse.ArgumentParser(prog="python -m tests.same", description=__doc__)
    parser.add_argument("--record", action="store_true", help="keep what happens now as what should happen")
    parser.add_argument("--part", choices=PARTS, help="tell one part as JSON, and compare nothing")
    arguments = parser.parse_args()
    if arguments.part:
        sys.stdout.write(json.dumps(_part(arguments.part)))
        return 0
    now = _all_parts()
    if arguments.record:
        write(RECORDED, now)
        sys.stdout.write(f"recorded {sum(map(len, now.values()))} lines in {RECORDED.relative_to(ROOT)}\n")
        return 0
    changes = list(differences(read(RECORDED), now))
    if not changes:
        sys.stdout.write(f"no differences in {sum(map(len, now.values()))} lines\n")
        return 0
    write(NOW, now)
    sys.stdout.write("\n".join([*changes, f"All of it as it is now: {NOW.relative_to(ROOT)}"]) + "\n")
    return 1


def _part(part: str) -> Lines:
    from tests.same.clock import stop  # noqa: PLC0415 - loads the whole application

    clock = stop()
    from tests.same import story  # noqa: PLC0415 - likewise

    match part:
        case "one":
            return story.record_story(clock, calls_at_once=1, long=True)
        case "four":
            lines = story.record_story(clock, calls_at_once=4, long=False)
            return {f"four at once, {name}": lines[name] for name in lines if not name.endswith(story.PLAN)}
        case _:
            return story.demo()


def _all_parts() -> Lines:
    """Run all parts in parallel, and return their recordings together."""
    running = [
        subprocess.Popen([sys.executable, "-m", "tests.same", "--part", part], cwd=ROOT, stdout=subprocess.PIPE)
        for part in PARTS
    ]
    lines: Lines = {}
    for part, process in zip(PARTS, running, strict=True):
        out, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"the part {part} could not be told to its end")
        lines |= json.loads(out)
    return lines


if __name__ == "__main__":
    sys.exit(main())
