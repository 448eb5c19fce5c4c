"""Untrusted text is never drawn as Markdown, and each place with such text has one function for all pages."""

import re
from pathlib import Path

import pytest

from tests.markdown import untrusted_places

ROOT = Path(__file__).parent.parent.parent
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py"]
SPEAKS = re.compile(
    r"(?<!\.)\bprint\(|\bsys\.std(out|err)\.write|\btyper\.(echo|secho|BadParameter)|\bclick\.echo|\bos\.write\("
)
# Where something is said on a terminal by itself: what of it may be foreign goes through `visible` or `json_line`.
SPEAKERS = {
    "integration/core/chain.py": "the verifier that goes with an export: words and numbers of its own",
    "integration/web/server.py": "the sentences for which the server does not start",
    "integration/alerts/transport/__main__.py": "answers to its own process, as JSON",
    "integration/backup/__main__.py": "an answer to the console, as JSON",
    "integration/cli/arguments.py": "`usage_error`, for typed arguments",
    "integration/__main__.py": "the version",
    "integration/cli/output.py": "`print_json`",
    "integration/cli/standard_streams.py": "the traceback of a defect, indented",
    "integration/cli/backup.py": "what is arranged, as `json_text`",
    "integration/sandbox/__main__.py": "addresses of its own",
}


def a_page(folder: Path, drawn: str, more: str = "") -> Path:
    """Write a page that draws one thing with the pieces of ours, and `more` beside it."""
    page = folder / "page.py"
    kinds = "def note(words: Markdown): ...\ndef head(title: Markdown, about: Markdown): ...\n"
    kinds += "def facts_table(rows: dict[Markdown, Markdown]): ...\ndef badge(state: str, label: Markdown): ...\n"
    page.write_text(f"{kinds}{more}\ndef draw(row: Row) -> None:\n    {drawn}\n", encoding="utf-8")
    return page


def test_all_that_pages_draw_as_markdown_is_words_of_ours_or_escaped() -> None:
    assert untrusted_places(PAGES) == []


@pytest.mark.parametrize(
    "drawn",
    [
        "st.markdown(row.title)",
        "st.markdown(f'**{row.title}**')",
        "st.button('Open ' + row.title)",
        "st.button('x', help=row.title)",
        "st.expander(text('why_title', title=row.title))",
        "note(text('why_title', title=f'{row.title}'))",
        "head(text('nav_runs'), row.title)",
        "facts_table({row.title: plain(row.key)})",
        "st.table([{text('col_field'): row.title}])",
        "st.radio('x', [1], format_func=lambda one: row.title)",
        "st.selectbox('x', [1], format_func=lambda one: row.title)",
        "said = plain(row.key); said = row.title; note(said)",
        "lines = [plain(row.key)]; lines.append(row.title); note(' '.join(lines))",
        "st.toast(who(row.title))",
        "st.metric(text('col_read'), row.title)",
        "st.progress(0.5, text=row.title)",
        "badge('ok', row.title)",
        "st.dataframe([row.title])",
        "st.code(row.title)",
        "st.json({'a': row.title})",
        "st.html(row.title)",
        "st.tabs([row.title])",
        "note(_about(row))",
        "note(f'**Name:{row.title}**')",
        "note('%s' % row.title)",
        "note(f':material/{row.title}:')",
        "note(' '.join(row.counts))",
        "for title, number in row.counts.items(): note(title)",
        "st.radio('x', row.titles)",
        "st.selectbox('x', row.titles)",
        "where = row.title if row else plain(row.key); note(where)",
        "note(known[row.title])",
        "(lambda one: note(one))(row.title)",
    ],
)
def test_a_possible_foreign_text_is_detected(tmp_path: Path, drawn: str) -> None:
    about = "def _about(row: Row) -> Markdown:\n    return row.title\n"
    assert untrusted_places([a_page(tmp_path, drawn, about)])


@pytest.mark.parametrize(
    "drawn",
    [
        "st.markdown(plain(row.title))",
        "note(text('why_title', title=plain(row.title)))",
        "said = [plain(one) for one in row.titles]; note(' · '.join(said))",
        "st.selectbox('x', [1], format_func=option_name(lambda one: row.title))",
        "facts_table({plain(row.title): number(row.amount)})",
    ],
)
def test_what_is_escaped_is_no_trouble(tmp_path: Path, drawn: str) -> None:
    assert untrusted_places([a_page(tmp_path, drawn)]) == []


def test_only_named_modules_write_to_a_terminal() -> None:
    files = [*sorted((ROOT / "integration").rglob("*.py")), *PAGES]
    speaking = {file.relative_to(ROOT).as_posix() for file in files if SPEAKS.search(file.read_text(encoding="utf-8"))}
    assert speaking == set(SPEAKERS)


def test_csv_files_are_written_by_one_writer() -> None:
    files = [*sorted((ROOT / "integration").rglob("*.py")), *PAGES]
    writer_pattern = re.compile(r"\.to_csv\(|csv\.writer\(|csv\.DictWriter\(|CSVWriter\(|COPY .* TO ")
    writers = {
        file.relative_to(ROOT).as_posix() for file in files if writer_pattern.search(file.read_text(encoding="utf-8"))
    }
    assert writers == {
        "integration/core/untrusted_text.py", "integration/log/logbook.py", "pages/components/shared/tables.py",
    }  # fmt: skip


def test_tables_offer_no_file_of_their_own() -> None:
    """The one that Streamlit would write of a table is full of formulas."""
    config = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert "disableDataExport = true" in config
