"""The page of docs/adding-a-page.md works in a copy of the project to which its four steps were done."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PAGE = (ROOT / "docs" / "adding-a-page.md").read_text(encoding="utf-8")
PARTS = ("integration", "pages", "data", "static", "tests", "app.py", "pyproject.toml")


def block(heading: str) -> str:
    """Return the block of a step, by the heading of the step."""
    match = re.search(r"```\w+\n(.*?)```", PAGE.partition(f"## {heading}\n")[2], re.DOTALL)
    assert match is not None
    return match[1]


@pytest.mark.long
@pytest.mark.processes
def test_the_steps_of_the_document_make_a_page(tmp_path: Path) -> None:
    for part in PARTS:
        copied = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copied(ROOT / part, tmp_path / part)
    (tmp_path / "pages" / "recency.py").write_text(block("1. Script"), encoding="utf-8")
    (tmp_path / "tests" / "pages" / "test_recency.py").write_text(block("4. Test"), encoding="utf-8")
    with (tmp_path / "data" / "words" / "texts.csv").open("a", encoding="utf-8") as words:
        words.write(block("3. Words"))
    frame = tmp_path / "pages" / "components" / "shared" / "application.py"
    text = frame.read_text(encoding="utf-8")
    line = '            _page("runs", "history"),\n'
    assert text.count(line) == 1
    frame.write_text(text.replace(line, line + block("2. Menu")), encoding="utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/pages/test_recency.py"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CONSOLE_"))}
    process = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)

    assert process.returncode == 0, process.stdout + process.stderr
