"""Measures the size of the product and its tests: `python -m tests.size`, or `scripts/size`.

Statements are those of Python's own syntax tree, docstrings among them. A public name collides where two files define a
function or a class of that name: whoever reads it has to look which one is meant.
"""

import ast
import importlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from integration.store.database import Clock

ROOT = Path(__file__).parent.parent
PRODUCT, TESTS = ("integration", "pages"), ("tests",)
APPLICATION = ROOT / "integration/application/application.py"  # where the services are put together
CLIENTS = {  # of servers that are no system: they take the functions of a socket and of a route
    *(ROOT / "integration/alerts/transport").glob("*.py"),
    ROOT / "integration/accounts/identity_provider.py",
}
SERVICES = ("accounts", "alerts", "application", "erasure", "retention", "services")
BAG = "integration.application.stores"  # the module with all stores of a database
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def nodes_of(file: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a file, the module first. Each file is parsed once per process."""
    return tuple(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def nodes_in(folders: tuple[str, ...]) -> Iterator[tuple[Path, tuple[ast.AST, ...]]]:
    """Yield each file of these folders with its nodes."""
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file, nodes_of(file)


def collisions() -> dict[str, list[str]]:
    """Return the public functions and classes of the product that several files define, with those files."""
    files_by_name: dict[str, list[str]] = defaultdict(list)
    for file, (module, *_) in nodes_in(PRODUCT):
        for node in getattr(module, "body", ()):
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                files_by_name[node.name].append(file.relative_to(ROOT).as_posix())
    return {name: files for name, files in files_by_name.items() if len(set(files)) > 1}


def wiring_functions() -> list[str]:
    """Return the lambdas and partial functions in the place that builds the application, each with its line."""
    expressions = [node for node in nodes_of(APPLICATION) if isinstance(node, ast.expr)]
    return [
        f"{expression.lineno}: {ast.unparse(expression)}" for expression in expressions if _is_made_function(expression)
    ]


def _is_made_function(expression: ast.expr) -> bool:
    is_partial = isinstance(expression, ast.Call) and ast.unparse(expression.func).rpartition(".")[2] == "partial"
    return isinstance(expression, ast.Lambda) or is_partial


def bag_users() -> list[str]:
    """Return the files of the product that know the object with all stores, its own file among them."""
    imports = ((file, node) for file, nodes in nodes_in(PRODUCT) for node in nodes)
    users = {file for file, node in imports if isinstance(node, ast.ImportFrom) and node.module == BAG}
    return sorted(file.relative_to(ROOT).as_posix() for file in {*users, ROOT / f"{BAG.replace('.', '/')}.py"})


def mutual_imports() -> list[tuple[str, str]]:
    """Return the pairs of packages right under `integration` that import each other."""
    imports: dict[str, set[str]] = defaultdict(set)
    for file, nodes in nodes_in(("integration",)):
        names = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
        package = file.relative_to(ROOT / "integration").parts[0]
        imports[package] |= {name.split(".")[1] for name in names if name.startswith("integration.")} - {package}
    return [
        (first, other)
        for first in imports
        for other in imports[first]
        if first < other and first in imports.get(other, ())
    ]


def callable_arguments() -> list[str]:
    """Return the arguments of constructors of services that are functions, but for the clock: `Class.argument`."""
    arguments = []
    folders = [ROOT / "integration" / package for package in SERVICES]
    for path in (file for folder in folders for file in sorted(folder.rglob("*.py")) if file not in CLIENTS):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for kind in vars(importlib.import_module(name)).values():
            if isinstance(kind, type) and kind.__module__ == name:
                hints = get_type_hints(vars(kind)["__init__"]) if "__init__" in vars(kind) else {}
                arguments += [f"{kind.__name__}.{name}" for name, hint in hints.items() if _is_function(hint)]
    return arguments


def _is_function(hint: object) -> bool:
    kinds = [hint, *get_args(hint)] if isinstance(hint, UnionType) else [hint]
    is_callable = any(get_origin(kind) is Callable or "__call__" in getattr(kind, "__dict__", {}) for kind in kinds)
    return is_callable and hint != Clock


def main() -> None:
    """Print statements, lengths of functions, colliding names, and the wiring of services."""
    for name, folders in (("integration and pages", PRODUCT), ("tests", TESTS)):
        nodes = [node for _, file_nodes in nodes_in(folders) for node in file_nodes]
        statements = sum(isinstance(node, ast.stmt) for node in nodes)
        long = sorted((node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, Function))
        p50, p90 = long[len(long) // 2], long[len(long) * 9 // 10]
        print(f"{name}: {statements} statements; functions p50 {p50}, p90 {p90} lines")
    print(f"public names that collide: {len(collisions())}")
    print(f"lambdas in the place that builds the application: {len(wiring_functions())}")
    print(f"functions handed to constructors of services: {len(callable_arguments())}")
    print(f"files that know the object with all stores: {len(bag_users())}")
    print(f"packages that import each other: {len(mutual_imports())}")


if __name__ == "__main__":
    main()
