"""The second opinion detects errors: each copy of the product below has one fault, and its days reveal it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
NEEDED = ("bookkeeping", "history", "lives", "oracle", "plain", "spoken", "test_property")
SHORT = "tests/flows/days/test_property.py::test_sixty_days_end_in_the_ledger_of_the_second_opinion"
BROKEN = re.compile(r"\[([A-Za-z' ]+)\] \d{4}-\d\d-\d\d/")


class Mutation(NamedTuple):
    """One planted fault: a text that occurs once in a file, and its replacement."""

    name: str
    file: str
    was: str
    becomes: str


CORE, FLOW = "core/days", "flows/days"
MUTATIONS = (
    Mutation(
        "what is banked comes into the drawer",
        f"{CORE}/lines.py",
        "count, -count.deposited,",
        "count, count.deposited,",
    ),
    Mutation(
        "a shortage is a surplus",
        f"{CORE}/lines.py",
        "count, count.difference, difference,",
        "count, -count.difference, difference,",
    ),
    Mutation(
        "differences are netted over drawers",
        f"{CORE}/lines.py",
        "for count in sorted(self.day.counts, key=lambda drawer_count: (drawer_count.workplace, "
        "drawer_count.number)):\n",
        "net = total(drawer_count.difference for drawer_count in self.day.counts)\n"
        "        for place, count in enumerate(self.day.counts):\n"
        "            count = replace(count, difference=NOTHING if place else net)\n",
    ),
    Mutation(
        "VAT of expenses under the code of sales",
        f"{CORE}/vat.py",
        "vat_code = row_value(self.books.purchase_vat_codes, code)",
        "vat_code = row_value(self.books.vat_codes, code)",
    ),
    Mutation(
        "VAT of a code is not brought to the till's list",
        f"{CORE}/lines.py",
        "return allocate_vat(target, {group: vat_sum for group, vat_sum in covered.items() if vat_sum.vat}, ())",
        "return {}",
    ),
    Mutation(
        "a list about revenue is taken to be about all",
        f"{CORE}/documents.py",
        "return revenue if abs(split.incl - sold) < abs(split.incl - every) else groups",
        "return groups",
    ),
    Mutation("a line is doubled", f"{CORE}/lines.py", "lines += self.counts()", "lines += 2 * list(self.counts())"),
    Mutation(
        "a line is lost", f"{CORE}/lines.py", "            if count.difference:", "            if count.difference > 0:"
    ),
    Mutation(
        "what comes back is left out",
        f"{CORE}/lines.py",
        "                if not vat_sum:\n",
        "                if vat_sum.incl <= 0:\n",
    ),
    Mutation(
        "rounding is dropped",
        f"{CORE}/lines.py",
        "if own != source or not paid:",
        'if own != source or not paid or method == "ROUNDING":',
    ),
    Mutation(
        "a single-purpose voucher is taxed twice",
        f"{CORE}/lines.py",
        "if voucher.purpose is not Purpose.SINGLE:",
        "if voucher:",
    ),
    Mutation(
        "a row for a group with its VAT code is passed over",
        f"{CORE}/lines.py",
        'row_value(self.books.accounts, f"{row}/{code}", row) or self.books.account_of_till_number',
        "row_value(self.books.accounts, row) or self.books.account_of_till_number",
    ),
    Mutation(
        "foreign customers are on the page of the day",
        f"{CORE}/lines.py",
        'document.is_sold and (hidden or self.books.contents == "receipts")',
        'document.is_sold and self.books.contents == "receipts"',
    ),
    Mutation(
        "what is paid later is sold again",
        f"{CORE}/documents.py",
        'is_here and self.record.values.get("date") == self.day',
        "is_here",
    ),
    Mutation(
        "every branch took every payment",
        f"{CORE}/documents.py",
        "return not branch or not self.branch or branch == self.branch",
        "return True",
    ),
    Mutation(
        "what was cancelled counts",
        f"{CORE}/documents.py",
        'if document.record.values.get("cancelled") is not True]',
        "]",
    ),
    Mutation(
        "outflows are always turned",
        f"{CORE}/identities.py",
        "return turned if _is_unpaid(day) and not _is_unpaid(turned) else day",
        "return turned",
    ),
    Mutation(
        "what was practised counts",
        f"{FLOW}/logic.py",
        "            raise gap.refusal\n",
        "            break\n",
    ),
    Mutation(
        "a correction has no VAT",
        f"{CORE}/corrections.py",
        "vat=first.vat + sign * line.vat,",
        "vat=NOTHING,",
    ),
    Mutation(
        "a day is booked again without being taken back",
        f"{CORE}/corrections.py",
        "return (*correction_lines((), booked), *now)",
        "return tuple(now)",
    ),
    Mutation("a page of another branch", "flows/day_pages.py", "{int(branch):0{PLACES}}", "{1:0{PLACES}}"),
    Mutation("a page on the day that is closed", "flows/periods.py", "else closed + timedelta(days=1)", "else closed"),
    Mutation(
        "what is closed is booked into",
        "flows/periods.py",
        "if closed is None or day > closed else",
        "if closed is None or day <= closed else",
    ),
    Mutation(
        "turned signs are not read back",
        f"{FLOW}/pages.py",
        "as_read = with_signs_of_books ",
        "as_read = staticmethod(lambda line: line) ",
    ),
    Mutation(
        "a change is booked without being asked about",
        f"{FLOW}/logic.py",
        "        if not decision:\n",
        "        if decision is None:\n",
    ),
    Mutation(
        "a decision holds for every change",
        "flows/deciding.py",
        "if option in options and of == mark else",
        "if option in options else",
    ),
    Mutation(
        "a day is over before it has ended",
        f"{FLOW}/closing.py",
        "ended + timedelta(hours=self.settings.hours_after)",
        "ended",
    ),
)


def copy_product(folder: Path) -> Path:
    """Copy the files that the property test of days needs."""
    skip_patterns = shutil.ignore_patterns("__pycache__", "sandbox", "lab")
    shutil.copytree(ROOT / "integration", folder / "integration", ignore=skip_patterns)
    shutil.copytree(ROOT / "data" / "mappings", folder / "data" / "mappings")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "tests/flows/days").mkdir(parents=True)
    shutil.copy(ROOT / "tests/parts.py", folder / "tests")
    for name in NEEDED:
        shutil.copy(ROOT / "tests/flows/days" / f"{name}.py", folder / "tests/flows/days")
    return folder


def run(folder: Path) -> tuple[int, str]:
    """Run the short property test on a copy; return its exit code and its output."""
    arguments = ["-x", "-p", "no:randomly", "-n", "0", "-m", "", "--tb", "line", SHORT]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


def caught_by(output: str) -> str:
    """Return the broken promise, from the output of the test."""
    match = BROKEN.search(output)
    return match.group(1) if match else ""


def test_what_each_fault_changes_is_there_once() -> None:
    texts = {mutation.name: (ROOT / "integration" / mutation.file).read_text() for mutation in MUTATIONS}
    assert [mutation.name for mutation in MUTATIONS if texts[mutation.name].count(mutation.was) != 1] == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_fault_is_caught_and_the_product_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copy_product(tmp_path)
    code, output = run(folder)
    assert code == 0, output
    caught: dict[str, str] = {}
    for mutation in MUTATIONS:
        file = folder / "integration" / mutation.file
        text = file.read_text()
        file.write_text(text.replace(mutation.was, mutation.becomes))
        code, output = run(folder)
        file.write_text(text)
        caught[mutation.name] = caught_by(output) if code == 1 else ""
        with capsys.disabled():
            print(f"\n  {mutation.name:55} {caught[mutation.name] or 'NOT CAUGHT'}", end="")  # noqa: T201 - a table for people
    assert [name for name, by in caught.items() if not by] == []
