"""Measures three habits of language that make code hard to read: `python -m tests.language` lists each place.

A docstring that begins with a relative clause ("What a run ...") names no subject. A public name made of participles,
pronouns and adverbs alone (`told`, `held`, `so_far`) does not say what it is. Neither does a parameter or a local
variable with such a name.
"""

import ast
import re
from collections.abc import Iterator

from tests.size import PRODUCT, ROOT, Function, nodes_in

RELATIVE = re.compile(r"(What|Whatever|Whether|Who|Whoever|Whom|Whose|Where|When|How|That|Which)\b")
VALUES = frozenset((ROOT / "tests" / "vague_values.txt").read_text(encoding="utf-8").split())
"""Names of parameters and local variables that do not say which value they have."""
VAGUE = frozenset((ROOT / "tests" / "vague_words.txt").read_text(encoding="utf-8").split())


def relative_docstrings() -> list[str]:
    """Return each docstring of the product that begins with a relative clause: `file:line first line`."""
    return [f"{place} {text.splitlines()[0]}" for place, _, text in _docstrings() if RELATIVE.match(text)]


def vague_names() -> list[str]:
    """Return each public class, function and method whose name has no noun and no verb: `file:line name`."""
    return [f"{place} {name}" for place, name, _ in _definitions() if _is_vague(name)]


def vague_values() -> list[str]:
    """Return each parameter and local variable whose name does not say what it holds: `file:line name`."""
    return [f"{place} {name}" for place, name in _assigned_names() if name in VALUES]


def _assigned_names() -> Iterator[tuple[str, str]]:
    for file, nodes in nodes_in(PRODUCT):
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


def main() -> None:
    """Print every place, and how many there are."""
    for places in (relative_docstrings(), vague_names(), vague_values()):
        print("\n".join(places))
        print(len(places))


if __name__ == "__main__":
    main()
