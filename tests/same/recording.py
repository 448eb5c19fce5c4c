"""A recording on disk, and its differences from another one.

Files are named by the part of the story, and hold sections of lines. What the systems were asked is much and seldom
read: it is compressed.
"""

import difflib
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

Lines = dict[str, list[str]]
"""Lines of text by the place where they were recorded: `first, products, plan`."""

ASKED = "asked of"
SHOWN = 40  # lines of a difference in one section
_ELEMENT = re.compile(r"<(/?)([^>]*?)(/?)>([^<]*)")


def write(folder: Path, lines: Lines) -> None:
    """Write a recording to a folder, and remove older recordings from the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.txt"), *folder.glob("*.txt.gz")):
        old.unlink()
    files: dict[str, list[str]] = {}
    for name, section in lines.items():
        files.setdefault(_file(name), []).extend([f"# {name}", *section])
    for file, content in files.items():
        text = "".join(f"{line}\n" for line in content).encode()
        (folder / file).write_bytes(gzip.compress(text, mtime=0) if file.endswith(".gz") else text)


def read(folder: Path) -> Lines:
    """Return the recording in a folder."""
    lines: Lines = {}
    for file in sorted((*folder.glob("*.txt"), *folder.glob("*.txt.gz"))):
        raw = file.read_bytes()
        name = ""
        for line in (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode().split("\n")[:-1]:
            if line.startswith("# "):
                name = line[2:]
                lines[name] = []
            else:
                lines[name].append(line)
    return lines


def differences(before: Lines, now: Lines) -> Iterator[str]:
    """Yield the differences, section by section, as unified diffs of single values."""
    for name in dict.fromkeys([*now, *before]):
        old, new = before.get(name, []), now.get(name, [])
        if name not in now or name not in before:
            sign, where = ("+++", "now") if name in now else ("---", "in the recording")
            yield f"{sign} {name}: {len(old) + len(new)} lines, only {where}"
        elif old != new:
            yield from _diff_lines(name, old, new)


def _diff_lines(name: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    ours, theirs = _changed_lines(old, new)
    diff = list(difflib.unified_diff([*_single_values(ours)], [*_single_values(theirs)], name, "now", lineterm="", n=0))
    diff = diff or list(difflib.unified_diff(old, new, name, "now", lineterm="", n=0))  # only their order differs
    diff = [line for line in diff if not line.startswith("@@")]
    yield from diff[:SHOWN]
    if len(diff) > SHOWN:
        yield f"... and {len(diff) - SHOWN} lines more"


def _changed_lines(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines that are not in both."""
    steps = [
        step for step in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if step[0] != "equal"
    ]
    return [line for s in steps for line in old[s[1] : s[2]]], [line for s in steps for line in new[s[3] : s[4]]]


def _file(name: str) -> str:
    part = name.partition(",")[0].replace(" ", "-")
    return f"{part}-asked.txt.gz" if ASKED in name else f"{part}.txt"


# ---- a line as single values, each with what it is about


def _single_values(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("{"):
            record = json.loads(line)
            about = " ".join(str(record[name]) for name in ("flow", "kind", "key", "round") if name in record)
            yield from (f"{about} | {path}" for path in _values(record, ""))
        elif line.endswith(">"):
            operation = line[line.index("<") + 1 :].split(">")[0]
            yield from (f"{operation} | {path}" for path in _elements(line[line.index("<") :]))
        elif line.endswith("}") and (at := line.find(" {")) > 0:
            yield from (f"{line[:at]} | {path}" for path in _values(json.loads(line[at:]), ""))
        else:
            start, _, query = line.partition("&")
            yield from (start, *(f"  {pair}" for pair in query.split("&") if pair))


def _values(value: object, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _values(child, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(child, dict | list) for child in value):
        for child in value:
            yield from _values(child, f"{path}[]")
    else:
        yield f"{path} = {json.dumps(value, ensure_ascii=False)}"


def _elements(text: str) -> Iterator[str]:
    way: list[str] = []
    for end, name, empty, content in _ELEMENT.findall(text):
        if end:
            del way[-1:]
            continue
        way.append(name)
        if content or empty:
            yield f"{'/'.join(way[1:])} = {content}"
        if empty:
            del way[-1:]
