"""Every word of the code has a text, and the documents are true."""

import csv
import re
from dataclasses import fields
from pathlib import Path

import pytest

from integration.cli.commands import COMMANDS
from integration.core.flow import Stage
from integration.core.plan import Action
from integration.core.states import Step
from integration.flows.registry import FLOWS
from integration.flows.spec import FlowSpec
from integration.words import has_term
from pages.components.shared.layout import step_state
from pages.components.shared.run_states import RUN_STATES
from tests.architecture import drawing, drawing_in_page
from tests.readme import SHELL, blocks

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {SHELL, "bat", "mermaid", "python", "text", "ini", "toml"}
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PRESENT = [path for path in DOCUMENTS if path not in DECISIONS and path.name != "CHANGELOG.md"]
"""Those that describe the code as it is; decisions and changes describe their time."""


def test_every_cause_is_complete_in_english() -> None:
    with (ROOT / "data" / "words" / "errors.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))

    assert [line["code"] for line in lines if not (line["en_problem"] and line["en_data"] and line["en_do"])] == []
    assert len({line["code"] for line in lines}) == len(lines)


def test_every_flow_state_and_action_has_its_word() -> None:
    badges = [*RUN_STATES, *(step_state(step) for step in Step), *Action]
    terms = [*(f"flow_{flow}" for flow in FLOWS), *(f"badge_{state}" for state in badges)]

    assert [term for term in terms if not has_term(term)] == []


def test_every_command_is_in_the_page_about_the_terminal() -> None:
    page = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")
    table = page[: page.index("| Exit status")]

    assert [name for name in COMMANDS if not re.search(rf"`{name}[ `]", table)] == []


def test_every_exit_status_is_in_the_page_about_the_terminal() -> None:
    page = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| (\d) \|", page, re.MULTILINE) == ["0", "1", "2", "3", "4", "5"]


def test_a_decision_is_titled_by_a_sentence_under_its_number() -> None:
    assert [path.name for path in DECISIONS if not is_titled(path)] == []


def is_titled(path: Path) -> bool:
    title = path.read_text(encoding="utf-8").splitlines()[0]
    number, _, slug = path.stem.partition("-")
    match = re.fullmatch(r"# (\d+)\. (.+)", title)
    if not match or int(match[1]) != int(number) or len(match[2].split()) <= 3:
        return False
    return re.sub(r"[^a-z0-9]+", "-", match[2].lower()).strip("-") == slug


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert len(numbers) > 70
    assert sorted(set(numbers)) == numbers


def test_a_decision_has_its_context_the_decision_and_its_consequences() -> None:
    headings = {path.name: re.findall(r"^#{2,} (.+)$", text, re.MULTILINE) for path, text in texts_of(DECISIONS)}

    assert {
        name: titles for name, titles in headings.items() if titles != ["Context", "Decision", "Consequences"]
    } == {}


def texts_of(paths: list[Path]) -> list[tuple[Path, str]]:
    """Return documents with their texts."""
    return [(path, path.read_text(encoding="utf-8")) for path in paths]


def test_what_supersedes_a_decision_is_named_at_its_top() -> None:
    assert [path.name for path, text in texts_of(DECISIONS) if not names_successors(text)] == []


def names_successors(text: str) -> bool:
    others = re.findall(r"Superseded by .*?(?:\n\n|$)", text.partition("## Context")[0], re.DOTALL)
    links = [reference for reference in others if re.search(r"\[decision \d+\]\(\d{4}-", reference)]
    return text.count("Superseded by ") == len(others) == len(links)


def test_every_module_that_a_decision_names_exists() -> None:
    names = [
        (path.name, name) for path, text in texts_of(DECISIONS) for name in re.findall(r"`(\w+/[\w/]+\.py)`", text)
    ]

    assert [
        reference
        for reference in names
        if not any((folder / reference[1]).exists() for folder in (ROOT, ROOT / "integration"))
    ] == []


def test_the_glossary_is_in_order_and_its_translations_are_those_of_the_console() -> None:
    with (ROOT / "data" / "words" / "terms.csv").open(encoding="utf-8", newline="") as file:
        translations = {line["en"]: (line["nl"], line["de"]) for line in csv.DictReader(file)}
    rows = glossary()
    terms = [row[0] for row in rows]

    assert len(rows) > 80
    assert sorted(set(terms), key=str.lower) == terms
    assert [row for row in rows if row[0] in translations and (row[2], row[3]) != translations[row[0]]] == []


def test_a_word_that_the_glossary_gives_for_the_code_is_in_the_code() -> None:
    names = [name for row in glossary() for name in re.findall(r"`(\w+)`", row[4])]
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "integration").rglob("*.py"))

    assert len(names) > 10
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def glossary() -> list[list[str]]:
    """Return the rows of the glossary: term, meaning, Dutch, German, and the word of the code where it differs."""
    page = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
    rows = [row.strip("|").split("|") for row in page.splitlines() if row.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def test_links_between_documents_lead_somewhere() -> None:
    links = [(path, target) for path, text in texts_of(DOCUMENTS) for target in targets_in(text)]

    assert [(path.name, target) for path, target in links if not leads_somewhere(path, target)] == []


def targets_in(text: str) -> list[str]:
    """Return the targets of all links of a document to files and headings."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)", prose)
    return [*targets, *re.findall(r"(?:src|href)=\"(?!https?://|mailto:|#)([^\"]+)\"", prose)]


def leads_somewhere(page: Path, target: str) -> bool:
    file, _, heading = target.partition("#")
    target_file = (page.parent / file) if file else page
    if not target_file.exists():
        return False
    if not heading or target_file.suffix != ".md":
        return True
    titles = re.findall(r"^#+ (.+)$", target_file.read_text(encoding="utf-8"), re.MULTILINE)
    return heading in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(("page", "least"), [("the-path-of-a-record.md", 80), ("architecture.md", 25)])
def test_every_step_of_a_walk_is_in_the_code(page: str, least: int) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    steps = [step for row in text.splitlines() if row.startswith("|") for step in steps_in(row)]

    assert len(steps) >= least
    assert [step for step in steps if not is_there(*step)] == []


def steps_in(row: str) -> list[tuple[str, str]]:
    """Return the files that a row of a table names, each with the functions and classes named right after it."""
    matches = re.findall(r"`([\w/]+\.py)`(?: \|)? (`\w+`(?:, `\w+`)*)", row)
    return [(file, name) for file, names in matches for name in re.findall(r"\w+", names)]


def is_there(file: str, name: str) -> bool:
    path = ROOT / file if file.startswith("pages/") else ROOT / "integration" / file
    return path.exists() and bool(re.search(rf"\b(def|class) {name}\b", path.read_text(encoding="utf-8")))


def test_every_file_that_a_document_names_exists() -> None:
    assert [(path.name, name) for path, text in texts_of(PRESENT) for name in missing_files(text)] == []


def missing_files(text: str) -> list[str]:
    """Return the files that a document names and that are neither in the project nor an example on the page itself."""
    names = re.findall(r"`((?:integration|pages|tests|docs|notebooks|scripts|benchmarks)/[\w./-]*)`", text)
    example_files = re.findall(r"`(\S+)`[^`]*\n```", text)
    return [name for name in names if not (ROOT / name).exists() and name not in example_files]


def test_the_page_about_the_architecture_describes_every_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [folder.name for folder in (ROOT / "integration").iterdir() if any(folder.glob("*.py"))]

    assert len(packages) > 15
    assert [name for name in packages if f"\n| `{name}/` |" not in page] == []


def test_the_drawing_of_the_packages_shows_their_imports() -> None:
    assert drawing_in_page() == drawing()


def test_every_module_that_the_page_about_the_architecture_names_exists() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = re.findall(r"`([\w/]+\.(?:py|sql))`", page)

    assert len(names) > 15
    assert [name for name in names if not ((ROOT / name).exists() or any((ROOT / "integration").rglob(name)))] == []


def test_every_field_of_a_flow_is_in_the_page_about_adding_one() -> None:
    page = (ROOT / "docs" / "adding-a-flow.md").read_text(encoding="utf-8")
    stage, spec = page.partition("## Reference: Stage")[2].split("## Reference: FlowSpec")

    assert [field.name for field in fields(FlowSpec) if f"`{field.name}`" not in spec] == []
    assert [field.name for field in fields(Stage) if f"`{field.name}`" not in stage] == []


def test_every_command_of_a_document_is_run_by_a_script_or_says_why_not() -> None:
    all_blocks = list(blocks())
    unknown = [(block.file.name, block.language) for block in all_blocks if block.language not in LANGUAGES]
    assert unknown == []
    run = {block.file.name for block in all_blocks if block.language == SHELL and not block.why}
    assert {"README.md", "installation.md", "backup.md", "people.md"} <= run
    shells = [block for block in all_blocks if block.language in (SHELL, "bat")]
    programs = {"$", *(line.split()[0] for block in shells for line in block.text.splitlines())}
    others = [block for block in all_blocks if block.language != SHELL and not block.why]
    assert [block for block in others if programs & set(re.findall(r"^\S+", block.text, re.MULTILINE))] == []
    fences = sum(
        text.count("```")
        for text in {block.file: block.file.read_text(encoding="utf-8") for block in all_blocks}.values()
    )
    assert fences == 2 * len(all_blocks)  # none was left out
