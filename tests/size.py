"""How large the product is and its tests are: `python -m tests.size`, or `scripts/size`.

Statements are those of Python's own syntax tree, docstrings among them. A public name collides where two files define a
function or a class of that name: whoever reads it has to look which one is meant.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PRODUCT, TESTS = ("integration", "pages"), ("tests",)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees(folders: tuple[str, ...]) -> Iterator[tuple[Path, ast.Module]]:
    """Yield each file of these folders with what is in it."""
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file, ast.parse(file.read_text(encoding="utf-8"))


def collisions() -> dict[str, list[str]]:
    """Return the public functions and classes of the product that several files define, with those files."""
    found: dict[str, list[str]] = defaultdict(list)
    for file, tree in trees(PRODUCT):
        for one in tree.body:
            if isinstance(one, Function | ast.ClassDef) and not one.name.startswith("_"):
                found[one.name].append(file.relative_to(ROOT).as_posix())
    return {name: files for name, files in found.items() if len(set(files)) > 1}


def main() -> None:
    """Print statements, how long functions are, and how many names collide."""
    for name, folders in (("integration and pages", PRODUCT), ("tests", TESTS)):
        nodes = [node for _, tree in trees(folders) for node in ast.walk(tree)]
        statements = sum(isinstance(node, ast.stmt) for node in nodes)
        long = sorted((one.end_lineno or 0) - one.lineno + 1 for one in nodes if isinstance(one, Function))
        middle, most = long[len(long) // 2], long[len(long) * 9 // 10]
        print(f"{name}: {statements} statements; functions p50 {middle}, p90 {most} lines")
    print(f"public names that collide: {len(collisions())}")


if __name__ == "__main__":
    main()
