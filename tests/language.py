"""Refuses habits of language that make code hard to read: `python -m tests.language`, a part of `scripts/check`.

A docstring that begins with a relative clause ("What a run ...") names no subject. A public name made of participles,
pronouns and adverbs alone (`told`, `held`, `so_far`) does not say what it is. Neither does a parameter or a local
variable with such a name.

It also finds what a rename leaves behind in a docstring: a name in backticks that the product does not have, a doubled
line and a lost one; and public names that several files of the product define.
"""

import ast
import csv
import gc
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

from tests.size import PRODUCT, ROOT, TESTS, Function, collisions, nodes_in

RELATIVE = re.compile(r"(What|Whatever|Whether|Who|Whoever|Whom|Whose|Where|When|How|That|Which)\b")
VALUES = frozenset((ROOT / "tests" / "vague_values.txt").read_text(encoding="utf-8").split())
"""Names of parameters and local variables that do not say which value they have."""
VAGUE = frozenset((ROOT / "tests" / "vague_words.txt").read_text(encoding="utf-8").split())
DEFINITION = re.compile(r" *(?:def|class) (\w+)")
WORD = re.compile(r"[A-Za-z_]\w*")
NAME = re.compile(r"`+([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(\))?`+")
COMMENT = re.compile(r"(^|  )#.*$", re.MULTILINE)
OUTSIDE_NAMES = frozenset(["GZipMiddleware", "json_transform", "list_reduce", "lpad", "nextval", "pg_sleep", "repeat"])
"""Names of DuckDB, PostgreSQL and Starlette that docstrings mention and the product does not use."""
SHORT_LINE = 110  # a line that ends before this column although the next word fits has lost its end
LINE_END = re.compile(r"[.:?!;,)`\"'>=\]│]$")
LIST_BEGIN = re.compile(r"[-|│├└]")


def relative_docstrings() -> list[str]:
    """Return each docstring of the product that begins with a relative clause: `file:line first line`."""
    return [f"{place} {text.splitlines()[0]}" for place, _, text in _docstrings() if RELATIVE.match(text)]


def relative_test_docstrings() -> list[str]:
    """Return each text in the tests that stands alone and begins with a relative clause: `file:line first line`."""
    return [
        f"{file.relative_to(ROOT)}:{number} {line.strip()}"
        for file in sorted((ROOT / "tests").rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line.lstrip().startswith('"""') and RELATIVE.match(line.lstrip()[3:])
    ]


def vague_names() -> list[str]:
    """Return each public class, function and method whose name has no noun and no verb: `file:line name`."""
    return [f"{place} {name}" for place, name, _ in _definitions() if _is_vague(name)]


def vague_test_names() -> list[str]:
    """Return each class and function of the tests, and of their helpers, whose name is vague: `file:line name`."""
    return [
        f"{file.relative_to(ROOT)}:{number} {match[1]}"
        for file in sorted((ROOT / "tests").rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (match := DEFINITION.match(line)) and _is_vague(match[1])
    ]


def vague_values() -> list[str]:
    """Return each parameter and local variable whose name does not say what it holds: `file:line name`."""
    return [f"{place} {name}" for place, name in _assigned_names(PRODUCT) if name in VALUES]


def vague_test_values() -> list[str]:
    """Return each parameter, field and local variable of the tests with such a name: `file:line name`."""
    return [f"{place} {name}" for place, name in _assigned_names(TESTS) if name in VALUES]


def unknown_names() -> list[str]:
    """Return each name in backticks of a docstring that the code of the product does not have: `file:line name`."""
    words, members = _words_of_code(), _members_of_classes()
    unknown = []
    for place, docstring in _docstring_constants():
        for match in NAME.finditer(str(docstring.value)):
            *owners, name = match[1].split(".")
            is_known = words.issuperset((*owners, name))
            if owners and (known_members := members.get(owners[-1])):
                is_known &= name in known_members
            if not is_known:
                unknown.append(f"{place} {match[1]}")
    return unknown


def damaged_docstrings() -> list[str]:
    """Return each docstring line that is doubled or lost its end, each doubled sentence and word: `file:line text`."""
    damaged = []
    for place, docstring in _docstring_constants():
        text = str(docstring.value)
        sentences = Counter(part for part in re.split(r"(?<=[.;:])\s+", text) if len(part) > 15)
        damaged += [f"{place} {sentence}" for sentence, count in sentences.items() if count > 1]
        damaged += [f"{place} {match[0]}" for match in re.finditer(r"(?<![\d.])\b([A-Za-z]{2,})\s+\1\b", text)]
        lines = [" " * docstring.col_offset + '"""' + text.partition("\n")[0], *text.split("\n")[1:]]
        for line, following in pairwise(lines):
            if is_damaged(line, following):
                damaged.append(f"{place} {line.strip()}")
    return damaged


def is_damaged(line: str, following: str) -> bool:
    """Return True if two lines are the same, or if the first one ends early and without punctuation."""
    if not line.strip() or not following.strip() or any(map(LIST_BEGIN.match, (line.strip(), following.strip()))):
        return False
    ends_early = len(line) + 1 + len(following.split(maxsplit=1)[0]) <= SHORT_LINE and LINE_END.search(line) is None
    return line.strip() == following.strip() or ends_early


def _docstring_constants() -> Iterator[tuple[str, ast.Constant]]:
    """Yield each text that is a statement by itself: docstrings, and texts below a constant."""
    for file, nodes in nodes_in(PRODUCT):
        for node in nodes:
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.value


def _words_of_code() -> set[str]:
    """Return all words of the product outside of docstrings and comments, names of modules and keys of texts too."""
    words = set(OUTSIDE_NAMES)
    for file, nodes in nodes_in(PRODUCT):
        lines = file.read_text(encoding="utf-8").split("\n")
        for node in nodes:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                lines[node.lineno - 1 : node.end_lineno] = [""] * (int(node.end_lineno or 0) - node.lineno + 1)
        words.update(WORD.findall(COMMENT.sub("", "\n".join(lines))))
        words.update(file.relative_to(ROOT).with_suffix("").parts)
    for file in (ROOT / "data" / "words").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as rows:
            words.update(row[0] for row in csv.reader(rows) if row)
    return words


def _members_of_classes() -> dict[str, set[str]]:
    """Return the names in each class of the product that inherits from nothing, or from `Protocol` or `NamedTuple`."""
    members: dict[str, set[str]] = defaultdict(set)
    for _, nodes in nodes_in(PRODUCT):
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not {ast.unparse(base) for base in node.bases} - {
                "Protocol",
                "NamedTuple",
            }:
                members[node.name].update(WORD.findall(ast.unparse(node)))
    return members


def _assigned_names(folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for file, nodes in nodes_in(folders):
        for node in nodes:
            if isinstance(node, ast.arg):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.arg
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.id


def _is_vague(name: str) -> bool:
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    return not name.startswith("_") and bool(words) and all(word in VAGUE for word in words)


def _docstrings() -> Iterator[tuple[str, str, str]]:
    for file, nodes in nodes_in(PRODUCT):
        for node in nodes:
            if isinstance(node, Function | ast.ClassDef | ast.Module) and (text := ast.get_docstring(node)):
                yield f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}", getattr(node, "name", ""), text


def _definitions() -> Iterator[tuple[str, str, str]]:
    for file, nodes in nodes_in(PRODUCT):
        for node in nodes:
            if isinstance(node, Function | ast.ClassDef):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.name, ""


LIMITS: tuple[tuple[Callable[[], Collection[str]], int], ...] = (
    (relative_docstrings, 0),
    (relative_test_docstrings, 0),
    (vague_names, 1),
    (vague_test_names, 3),
    (vague_values, 0),
    (vague_test_values, 1),
    (unknown_names, 0),
    (damaged_docstrings, 0),
    (collisions, 38),
)
"""Each search with the number of places that it may find. A limit goes down with each place that is rewritten."""


def main() -> int:
    """Print each search with its number of places, and the places themselves where they are too many."""
    gc.disable()  # it would visit the parsed product again and again
    status = 0
    for find, limit in LIMITS:
        places = find()
        print(f"{find.__name__.replace('_', ' ')}: {len(places)} of at most {limit}")
        if len(places) > limit:
            status = 1
            print("\n".join(places))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
