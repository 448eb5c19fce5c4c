"""Erases persons from a restored backup who were erased after it was made."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from integration.backup.archive import DATABASE, LOG
from integration.core.clocks import now
from integration.core.erasure import Customer
from integration.erasure.eraser import Eraser
from integration.erasure.store import PersonalDataSearch
from integration.log.logbook import Logbook
from integration.store.database import open_database
from integration.store.erasure_register import Erasure, ErasureRegister


def erase_again(url: str, folder: Path, erasures: Sequence[Erasure], file: Path) -> int:
    """Erase all persons of a list from a restored database and its log, and return their number.

    The list contains only pseudonyms, so every restored number is compared with them. The resulting register is written
    to `file`.
    """
    database = open_database(url)
    logbook = Logbook(folder / LOG) if (folder / LOG).exists() else None
    try:
        erased, search = ErasureRegister(database, now, file), PersonalDataSearch(database, now)
        waiting = {erasure.mark: erasure.person for erasure in erased.merge(erasures)}
        sqlite = folder / DATABASE if url.startswith("sqlite:///") else None
        eraser = Eraser(search, erased, logbook, sqlite, folder)
        numbers = search.every_number(Customer()) | (logbook.numbers() if logbook else set())
        for customer in _customers(number for number in numbers if erased.mark(*number) in waiting):
            eraser.erase(eraser.person(customer))
        for name in set(waiting.values()):
            erased.finish(name, "restore")
        return len(set(waiting.values()))
    finally:
        if logbook is not None:
            logbook.close()
        database.close()


def _customers(numbers: Iterable[tuple[str, str]]) -> list[Customer]:
    return [
        Customer(debtor=number) if number_type == "debtor" else Customer(relation=number)
        for number_type, number in sorted(numbers)
    ]
