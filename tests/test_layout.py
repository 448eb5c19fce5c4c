"""Tests mirror the tree: the test of `integration/store/runs.py` is `tests/store/test_runs.py`, and so for every file.

Pages are mirrored in `tests/pages/`; what a package says of itself is tested by a file that bears the package's name.
Not every module has a file of its own: one that is data alone (`spec`, `sections`, tables of settings) is tested with
the logic that reads it. Tests across several subjects stand right under `tests/`, like `test_stories.py`, or are named
here with the reason why they stand beside the fixtures of a folder.
"""

import ast
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

from tests.mutants import faults
from tests.readme import blocks
from tests.size import bag_users, callable_arguments, mutual_imports, nodes_of, wiring_functions

BUILDERS = [
    "integration/application/application.py",
    "integration/application/bootstrap.py",
    "integration/application/stores.py",
    "integration/lab/trial.py",
]
TESTS = Path(__file__).parent
ROOT = TESTS.parent
ACROSS = {
    "flows/customers/test_histories.py": "customers at random on both sides, beside the people behind them",
    "flows/payments/test_histories.py": "payments at random on both sides, beside the rows of both systems",
    "connectors/accountview/test_quotations.py": "quotations: names, layout, target and check of an object of its own",
    "connectors/mplus/test_proposals.py": "proposals and what comes of them: codec, pages and markers together",
    "flows/orders/test_baskets.py": "baskets under every switch, beside a second opinion: lines, payments and accounts",
    "flows/orders/test_lives.py": "sales of several documents, beside the same second opinion: chains, logic and days",
    "flows/days/test_property.py": "days in every manner of booking, beside a second opinion: core, logic and check",
    "flows/days/test_mutations.py": "the same on copies of the product in which one thing is wrong",
    "log/test_drain.py": "writers and drainers are killed: outbox and log together",
    "log/test_hostile.py": "harmful questions: supervisor, process, list and file together",
    "web/test_provider.py": "log-ins at a provider: entrance, service and connector together",
    "web/test_proxy.py": "a proxy that signs: entrance, service and connector together",
    "runner/test_own_writes.py": "writes of ours and of others at a till: reading, proof and cursors together",
    "lab/test_moments.py": "the whole lab, at every call of a run",
    "runner/test_faults_orders.py": "the runner is killed at every step of documents, and while their run is closed",
    "runner/test_blind.py": "books that do not show what they accept: connector, runner and uncertain writes together",
    "runner/test_full_disk.py": "a commit whose disk is full for a while: store, engine and runner together",
    "runner/test_rebooking.py": "a credit and what follows on it, killed between both: preview, commit and ledger",
    "runner/test_another_sale.py": "two sales under one number: preview, commit and uncertain writes together",
    "runner/test_two_shops.py": "two consoles on one administration: both databases, their runs and one set of books",
    "runner/test_free_database.py": "what others may write while a run asks and writes: every part of the runner",
    "runner/test_suspended.py": "a process that is held still while another finishes its run",
    "runner/test_machine.py": "run after run with people at work on both sides",
    "pages/test_addresses.py": "every page at every address",
    "pages/test_all_flows.py": "every page for every flow",
    "pages/test_foreign.py": "every page, and whoever speaks to a terminal or writes a file",
    "pages/test_every_cause.py": "every cause with its repair, and where that leads",
    "pages/test_first_day.py": "every page of a new installation",
    "pages/test_languages.py": "every page in every language",
    "pages/test_search_terms.py": "every place of the console that a word leads to",
    "pages/test_nonsense.py": "every page, whatever is stored",
    "pages/test_secrets.py": "every page searched for secrets",
    "pages/test_within_reach.py": "every page, and what each role can press there",
}
PLACES = {
    file.relative_to(TESTS).as_posix(): file
    for folder in [*sorted((ROOT / "integration").iterdir()), ROOT / "pages"]
    if folder.is_dir()
    for file in sorted((TESTS / folder.name).rglob("test_*.py"))
}


@pytest.fixture(scope="module", autouse=True)
def _release_caches() -> Iterator[None]:
    """Release the parsed product after the last test of this file. Later garbage collections would visit its nodes."""
    yield
    nodes_of.cache_clear()


def subjects(place: str) -> list[Path]:
    """Return the subjects of a test at this place: its module, its package, or the package around it."""
    path = Path(place)
    base = ROOT if path.parts[0] == "pages" else ROOT / "integration"
    folder, name = base / path.parent, path.stem.removeprefix("test_")
    packages = [folder / name, *([folder] if folder.name == name else [])]
    return [folder / f"{name}.py", *(package / "__init__.py" for package in packages)]


def test_a_test_is_found_by_the_path_of_its_subject() -> None:
    places = sorted(PLACES.keys() - ACROSS.keys())
    assert [place for place in places if not any(subject.is_file() for subject in subjects(place))] == []


def test_only_tests_that_exist_and_have_no_module_are_named_as_exceptions() -> None:
    assert [
        place for place in ACROSS if place not in PLACES or any(subject.is_file() for subject in subjects(place))
    ] == []


def test_services_take_the_objects_that_they_use() -> None:
    assert bag_users() == BUILDERS
    assert wiring_functions() == []
    assert callable_arguments() == []


def test_no_two_packages_import_each_other() -> None:
    assert mutual_imports() == []


BEGINS = re.compile(r"[\"']\n?(import|from) \w")  # a text that begins as a program does


def programs() -> Iterator[tuple[str, ast.Module]]:
    """Yield programs that no check reads and that import our code: in notebooks, documents and tests."""
    for block in blocks():
        if (
            block.language == "python" and block.file.name != "adding-a-flow.md"
        ):  # which has a test that runs its modules
            with suppress(SyntaxError):  # a fragment
                yield block.file.name, ast.parse(block.text)
    for file in sorted(TESTS.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if BEGINS.search(text) else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "from integration" in node.value:
                with suppress(SyntaxError):
                    yield file.relative_to(TESTS).as_posix(), ast.parse(dedent(node.value))
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        yield (
            notebook.name,
            ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")),
        )


def find_member(module: str, name: str) -> object:
    """Return the member that a program imports by this name, or None if the module lacks it."""
    member = getattr(import_module(module), name, None)
    if member is None:
        with suppress(ModuleNotFoundError):
            return import_module(f"{module}.{name}")
    return member


def test_notebooks_and_programs_in_tests_import_existing_names() -> None:
    missing, imported = [], 0
    for place, program in programs():
        objects: dict[str, object] = {}
        for node in ast.walk(program):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("integration"):
                members = {
                    alias.asname or alias.name: find_member(str(node.module), alias.name) for alias in node.names
                }
                missing += [f"{place}: {node.module}.{name}" for name, member in members.items() if member is None]
                imported += len(members)
                objects |= members
        for node in ast.walk(program):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in objects:
                has = hasattr(objects[node.value.id], node.attr)
                missing += [] if has else [f"{place}: {node.value.id}.{node.attr}"]
    assert missing == []
    assert imported > 20


def test_every_fault_that_can_be_planted_has_its_place_in_the_product() -> None:
    texts = {fault.file: (ROOT / fault.file).read_text(encoding="utf-8") for fault in faults()}
    assert [fault.name for fault in faults() if texts[fault.file].count(fault.was) != 1] == []
