"""Draws the packages of the project and their imports, for docs/architecture.md.

`python -m tests.architecture` writes the drawing into the page; `tests/test_docs.py` compares both.
"""

from pathlib import Path

import grimp

PAGE = Path(__file__).parent.parent / "docs" / "architecture.md"
BEGIN, END = "<!-- drawing -->\n", "<!-- end of drawing -->\n"
EVERYWHERE = frozenset({"core", "shipped", "process", "words", "settings", "data_folder"})
"""Packages that most others import. They stay out of the drawing, which would be black otherwise."""


def imports() -> dict[str, set[str]]:
    """Return for each package of the project the packages that it imports."""
    graph = grimp.build_graph("integration", "pages", cache_dir=None)
    packages = {module.rpartition(".")[2]: module for module in graph.find_children("integration")} | {"pages": "pages"}
    dependencies: dict[str, set[str]] = {name: set() for name in packages}
    for importer, module in packages.items():
        for imported, other in packages.items():
            if importer != imported and graph.direct_import_exists(importer=module, imported=other, as_packages=True):
                dependencies[importer].add(imported)
    return dependencies


def drawing() -> str:
    """Return the packages as a Mermaid graph, without the arrows that follow from others."""
    edges = {name: others - EVERYWHERE for name, others in imports().items() if name not in EVERYWHERE}
    lines = [
        f"    {name} --> {other}"
        for name, others in sorted(edges.items())
        for other in sorted(others)
        if not any(other in _reachable_packages(edges, between) for between in others - {other})
    ]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```", ""])


def _reachable_packages(edges: dict[str, set[str]], start: str) -> set[str]:
    names: set[str] = set()
    todo = [start]
    while todo:
        for other in edges[todo.pop()] - names:
            names.add(other)
            todo.append(other)
    return names


def drawing_in_page() -> str:
    """Return the drawing that the page shows."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write the drawing into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + drawing() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
