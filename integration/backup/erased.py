"""People who were erased since a backup was made, erased again from what is restored of it."""

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


def erase_again(url: str, folder: Path, known: Sequence[Erasure], file: Path) -> int:
    """Erase everybody of a list from a restored database and its log, and return how many people that were.

    Of a person the list has marks alone: every number that was restored is tried against them. The list in force is
    written to a file.
    """
    database = open_database(url)
    logbook = Logbook(folder / LOG) if (folder / LOG).exists() else None
    try:
        erased, erasing = ErasureRegister(database, now, file), PersonalDataSearch(database, now)
        waiting = {one.mark: one.person for one in erased.take_in(known)}
        sqlite = folder / DATABASE if url.startswith("sqlite:///") else None
        eraser = Eraser(erasing, erased, logbook, sqlite, folder)
        numbers = erasing.every_number(Customer()) | (logbook.numbers() if logbook else set())
        for one in _customers(number for number in numbers if erased.mark(*number) in waiting):
            eraser.blot(eraser.person(one))
        for name in set(waiting.values()):
            erased.finish(name, "restore")
        return len(set(waiting.values()))
    finally:
        if logbook is not None:
            logbook.close()
        database.close()


def _customers(numbers: Iterable[tuple[str, str]]) -> list[Customer]:
    return [
        Customer(debtor=number) if sort == "debtor" else Customer(relation=number) for sort, number in sorted(numbers)
    ]
