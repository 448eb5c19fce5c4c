"""Stock levels as a target: one article with a level for each branch.

A level is set absolutely. If the record says up to which stock movement it counts, the till's level is computed as of
the same movement, so that a later sale does not count as a difference. After such a level was set, it is read once
more. If setting it overwrote movements between the lookup and the write, it is set again with these included. The
relative call is never used, because it could not be repeated after a lost answer.
"""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from integration.connectors.hashing import hashing
from integration.connectors.mplus import codec
from integration.connectors.mplus.branches import read_branches
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.element_shape import require_not_different
from integration.connectors.mplus.history import TillHistory
from integration.connectors.mplus.lists import ByNumbers, by_own_number, unique_elements
from integration.connectors.mplus.products import TillProducts
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import TillTarget, in_pages, till_numbers, translated_parse_errors
from integration.connectors.parallel import portions
from integration.connectors.protocol import InstallationFacts, References
from integration.core.errors import RejectedError
from integration.core.link_evidence import identity_of
from integration.core.movements import COUNTED, Movement, StockCounted, counted_value, unreadable_movement
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record, Value, WriteResult, WrongValueError, unreadable

SETS = "stock_sets"  # name of the stored fact: what setting a level sets
MAX_KNOWN_PAGES = 500  # pages whose hashes are kept in memory; one of 250 articles takes 20 KB
BRANCHES_SECONDS = 60  # seconds for which the list of branches is cached
TIMES_SET = 5  # attempts to set one level while sales go on
_REFERENCE_LENGTH = 40  # the till documents no limit

Rows = Mapping[tuple[str, str], Element]  # the till's row of a level, by branch and article number
MovementsByPlace = Mapping[tuple[str, str], Sequence[Movement]]
NOTHING: Mapping[str, Sequence[Movement]] = {}
Numbered = Sequence[tuple[Record, str]]  # wanted records, each with its article number


@dataclass(frozen=True, slots=True)
class _LookedUpStock:
    """The result of a lookup: the product, and by branch the movement of free stock since the last counted one."""

    product: str
    since: Mapping[str, Decimal] = field(default_factory=dict)
    reserved: Mapping[str, Decimal] = field(default_factory=dict)


class _Raw(NamedTuple):
    """The till's unparsed data about one article.

    By branch, `rows` has its row, and `movements` has the movements since its level was counted. Branches without any
    are left out.
    """

    number: str
    stock_managed: str  # whether stock is managed
    identity: codec.ArticleIdentity
    rows: Mapping[str, Element]
    movements: Mapping[str, Sequence[Movement]]

    def raw_parts(self, branch: str) -> tuple[str | bytes, ...]:
        """Return the raw data of a branch, for its hash."""
        row = self.rows.get(branch)
        return (branch,) if row is None else (branch, codec.raw_bytes(row))


class TillStock(TillTarget):
    """The stock of one installation."""

    def __init__(
        self,
        settings: MplusSettings,
        client: Client,
        products: TillProducts,
        history: TillHistory,
        learned: InstallationFacts | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._products = products
        self._history = history
        self._hash = hashing(settings)
        # Hashes of the records of a page, by a digest of all answers that they were computed from
        self._known_hashes: dict[str, tuple[str, ...]] = {}
        self._completer = ByNumbers[tuple[str, Element]]()
        self._known_branches = frozenset[str](), -math.inf  # numbers, and when they were read
        # Whether setting a level includes reserved stock. If the till behaves otherwise, the first write shows it.
        self._installation_facts = learned
        learned_counts = learned.get().get(SETS) if learned else None
        self._sets_reserved = (learned_counts or settings.stock_counts) == "free_and_reserved"

    # ---- lookup

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:  # noqa: ARG002
        """Return the till's current levels in the branches asked for, found by article number.

        For a record with a counted movement, the level is as of that movement, except for other changes. Articles that
        the till lacks are left out.
        """
        with translated_parse_errors():
            articles = self._products.articles(till_numbers(map(_number, records)))
            stock_settings = {
                number: (codec.raw_stock_setting(article), codec.article_identity(article))
                for number, (_, article) in articles.items()
            }
            return {
                record.key: self._current_stock(record, raw, articles[raw.number])
                for record, raw in self._raw_stock(records, stock_settings)
            }

    def hashes(self, records: Sequence[Record]) -> dict[str, str]:
        """Return the hash of the data that `lookup` would read, by key, where a level depends on nothing else.

        If the till gives the same answers as before, they are not parsed again.
        """
        with translated_parse_errors():
            numbers = till_numbers(map(_number, records))
            if any(COUNTED in record.values for record in records):  # depends on movements as well
                return self._read_hashes(records, numbers)
            ahead = self._client.read_ahead(self._reads(records, numbers), self._settings.in_flight)
            mark = self._hash(ahead.digest, *(text for record in records for text in _looked_up_by(record)))
            page_hashes = self._known_hashes.pop(mark, None)
            if page_hashes is None:
                with ahead.use():
                    hashes = self._read_hashes(records, numbers)
                page_hashes = tuple(hashes.get(record.key, "") for record in records)
            if ahead.sufficed:
                self._known_hashes[mark] = page_hashes
                if len(self._known_hashes) > MAX_KNOWN_PAGES:
                    del self._known_hashes[next(iter(self._known_hashes))]
            return {record.key: digest for record, digest in zip(records, page_hashes, strict=True) if digest}

    def _read_hashes(self, records: Sequence[Record], numbers: Sequence[str]) -> dict[str, str]:
        raws = self._raw_stock(records, self._products.stock_settings_of(numbers))
        return {record.key: digest for record, raw in raws if (digest := self._hash_of(record, raw))}

    def _reads(self, records: Sequence[Record], numbers: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the reads that `_read_hashes` makes if the till has all these articles."""
        branches = till_numbers(part.key for record in records for part in record.parts)
        levels = [
            ("getStock", _stock_request(branch, page))
            for branch in branches
            for page in portions(numbers, self._settings.page_articles)
        ]
        return [*self._products.stock_reads(numbers), *levels]

    def _raw_stock(
        self, records: Sequence[Record], stock_settings: Mapping[str, tuple[str, codec.ArticleIdentity]]
    ) -> Iterator[tuple[Record, _Raw]]:
        """Yield each record that has a stock setting, with the till's raw data of its article."""
        numbered_records = [(record, number) for record in records if (number := _number(record)) in stock_settings]
        rows = self._rows(numbered_records)
        movements = self._movements(numbered_records, rows)
        for record, number in numbered_records:
            own = {part.key: row for part in record.parts if (row := rows.get((part.key, number))) is not None}
            moved = (
                {branch: later for branch in own if (later := _moves_at(movements, branch, number))}
                if movements
                else NOTHING
            )
            yield record, _Raw(number, *stock_settings[number], own, moved)

    def _hash_of(self, desired: Record, raw: _Raw) -> str:
        """Return a hash of the raw data, empty if movements count as well."""
        if raw.movements:
            return ""
        parts = [part for branch in sorted([level.key for level in desired.parts]) for part in raw.raw_parts(branch)]
        return self._hash(raw.number, raw.stock_managed, *raw.identity, *parts)

    def _rows(self, numbered_records: Numbered) -> dict[tuple[str, str], Element]:
        """Return the till's rows by branch and article: one call for each branch and portion of articles."""
        numbers_by_branch: dict[str, list[str]] = defaultdict(list)
        for record, number in numbered_records:
            for part in record.parts:
                numbers_by_branch[part.key].append(number)
        rows: dict[tuple[str, str], Element] = {}
        for branch in till_numbers(numbers_by_branch):
            numbers = list(dict.fromkeys(numbers_by_branch[branch]))
            rows |= {(branch, number): row for number, row in self._read_rows(branch, numbers)}
        return rows

    def _movements(self, numbered_records: Numbered, rows: Rows) -> MovementsByPlace:
        """Return the movements since the levels were counted, read after the levels so that none is missing."""
        counts = [
            (number, stock_count)
            for record, number in numbered_records
            if (stock_count := _stock_count(record)) is not None
        ]
        if not counts or not rows:
            return {}
        branches = till_numbers(branch for branch, _ in rows)
        articles = till_numbers(number for number, _ in counts)
        return _by_place(
            self._history.movements_since(
                min(stock_count.last_movement for _, stock_count in counts), branches, articles
            )
        )

    def _read_rows(self, branch: str, numbers: Sequence[str]) -> list[tuple[str, Element]]:
        """Return the till's rows of a branch, each with the article number it belongs to; see `by_own_number`."""
        among = frozenset(numbers)

        def number_of(row: Element) -> str | None:
            number = codec.if_readable(codec.article_number, row)
            return number if number in among else None  # other numbers count as unknown

        def ask(page: Sequence[str]) -> list[Element]:
            answer = self._client.read("getStock", **_stock_request(branch, page))
            return unique_elements(answer.iterfind(qualified("articleStocks")), number_of)

        asking = self._completer.ask_all(by_own_number(ask, number_of), lambda pair: pair[:1])
        return in_pages(asking, numbers, self._settings.page_articles, self._settings.in_flight)

    def _current_stock(self, desired: Record, raw: _Raw, located_article: tuple[str, Element]) -> CurrentRecord:
        number, rows_by_branch, (product, article) = raw.number, raw.rows, located_article
        values = {name: desired.values[name] for name in ("number", COUNTED) if name in desired.values}
        stock_count = _stock_count(desired)
        try:
            for element in (article, *rows_by_branch.values()):
                _require_number(number, element)
            managed = codec.stock_managed(raw.stock_managed)
            since = {
                branch: _moved_since(stock_count, branch, row, raw.movements.get(branch, ()))
                for branch, row in rows_by_branch.items()
                if stock_count is not None
            }
            levels = self._levels(desired, rows_by_branch, since, managed=managed)
            reserved = {branch: codec.decode_reserved(row) for branch, row in rows_by_branch.items()}
            marker = max(map(codec.stock_id, rows_by_branch.values()), default=0)
        except WrongValueError as error:
            wrong = unreadable(Kind.STOCK, desired.key, error, codec.raw_elements(article, *rows_by_branch.values()))
            return CurrentRecord(wrong, number, original=_LookedUpStock(product))
        if managed is not None:
            values["managed"] = managed
        record = Record(Kind.STOCK, desired.key, values, levels, desired.source)
        lookup_state = _LookedUpStock(product, since, reserved)
        return CurrentRecord(
            record,
            number,
            str(marker),
            original=lookup_state,
            hash=self._hash_of(desired, raw),
            identities={"": identity_of(Kind.STOCK, raw.identity._asdict())},
        )

    def _levels(
        self,
        desired: Record,
        rows_by_branch: Mapping[str, Element],
        since: Mapping[str, Decimal],
        *,
        managed: bool | None,
    ) -> tuple[Record, ...]:
        return tuple(
            Record(Kind.LEVEL, part.key, {"amount": self._amount(rows_by_branch.get(part.key), since.get(part.key))})
            for part in desired.parts
            # The till returns no rows for articles without managed stock, and may still have an old level of them.
            if part.key in rows_by_branch or managed is not False
        )

    def _amount(self, row: Element | None, since: Decimal | None) -> Decimal | None:
        if row is None:
            # It is not documented whether the till leaves out levels that were never counted, or those it cannot
            # compute now. So the level does not count as 0: it is set, and read back from the new row.
            return None
        if since is not None:
            return codec.decode_level(row, reserved=False) - since
        return codec.decode_level(row, reserved=self._settings.stock_counts == "free_and_reserved")

    # ---- writing

    def calls(self, change: Change) -> int:
        """Return one call for each level, and one more if the stock setting of the article changes."""
        return len(_levels(change.desired)) + ("managed" in change.desired.values)

    def require_storable(self, change: Change) -> None:
        """Raise UnfitError for an amount that is none, and RejectedError for a branch that the till does not have.

        A branch for which the till answered a level exists. The others are looked for in its list of branches.
        """
        before = {} if change.before is None else _levels(change.before)
        for key, amount in _levels(change.desired).items():
            codec.encode_level(amount)
            branch = _branch(key)
            if before.get(branch) is None and not self._may_have_branch(branch):
                raise RejectedError("branch_missing", branch=branch)

    def _may_have_branch(self, number: str) -> bool:
        """Return False if the till does not have a branch. Its list of branches is read again after a minute."""
        known_numbers, read_at = self._known_branches
        if time.monotonic() - read_at > BRANCHES_SECONDS:
            known_numbers = frozenset(branch.number for branch in read_branches(self._client))
            self._known_branches = known_numbers, time.monotonic()
        return number in known_numbers or "" in known_numbers  # an unreadable branch may be any

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Change the stock setting if wanted, then set each level; return the article number and the last booking.

        `token` is the reference of the bookings, for people who look at the history of an article.
        """
        if current is None or not isinstance(
            current.original, _LookedUpStock
        ):  # articles are created by the flow of products
            raise RejectedError("target_record_missing")
        lookup_state, stock_count = current.original, _stock_count(current.record)
        levels = _levels(change.desired)
        for amount in levels.values():
            codec.encode_level(amount)  # refused before any call
        managed = change.desired.values.get("managed")
        if isinstance(managed, bool):
            self._products.switch_stock(lookup_state.product, current.reference, managed=managed)
        last = ""
        for key, amount in levels.items():
            branch = _branch(key)
            if stock_count is None or not isinstance(amount, Decimal):
                last = self._set_level(branch, current.reference, amount, token) or last
            else:
                last = self._set_counted(branch, current.reference, amount, (lookup_state, stock_count), token) or last
        return WriteResult(current.reference, last)

    def _set_counted(
        self, branch: str, number: str, amount: Decimal, looked_up: tuple[_LookedUpStock, StockCounted], token: str
    ) -> str:
        """Set a level as of the last counted movement, and repeat it until no movement was overwritten.

        Sales, returns or reservations between the lookup and the write are included in the next attempt. After
        TIMES_SET attempts, the read-back after the write decides.
        """
        lookup_state, stock_count = looked_up
        since, reserved = lookup_state.since.get(branch, Decimal(0)), lookup_state.reserved.get(branch, Decimal(0))
        booked = ""
        for _ in range(TIMES_SET):
            booked = (
                self._set_level(branch, number, amount + since + (reserved if self._sets_reserved else 0), token)
                or booked
            )
            stock_after = self._stock_after_write(branch, number, stock_count, booked)
            if stock_after is None:
                return booked
            since, level, reserved = stock_after
            wrong = amount - (level - since)
            if not wrong:
                break
            if reserved and abs(wrong) == reserved:
                self._learn(sets_reserved=wrong > 0)
        return booked

    def _stock_after_write(
        self, branch: str, number: str, stock_count: StockCounted, booked: str
    ) -> tuple[Decimal, Decimal, Decimal] | None:
        """Return the movement since a level was counted, and the free and the reserved stock after it was set.

        None if that is not visible yet or unreadable: the read-back after the write then decides.
        """
        with translated_parse_errors():
            row = dict(self._read_rows(branch, [number])).get(number)
            try:
                if (
                    row is None
                    or codec.article_number(row) != number
                    or not booked.isdigit()
                    or codec.stock_id(row) < int(booked)
                ):
                    return None
                movements = _moves_at(
                    _by_place(self._history.movements_since(stock_count.last_movement, [branch], [number])),
                    branch,
                    number,
                )
                since = _moved_since(stock_count, branch, row, movements)
                return since, codec.decode_level(row, reserved=False), codec.decode_reserved(row)
            except WrongValueError:
                return None

    def _learn(self, *, sets_reserved: bool) -> None:
        """Store whether setting a level includes reserved stock, as a level that was read back showed."""
        if sets_reserved != self._sets_reserved:
            self._sets_reserved = sets_reserved
            if self._installation_facts is not None:
                self._installation_facts.put(
                    {**self._installation_facts.get(), SETS: "free_and_reserved" if sets_reserved else "free"}
                )

    def _set_level(self, branch: str, number: str, amount: Value, token: str) -> str:
        request = {
            "branchNumber": branch,
            "articleNumber": number,
            **codec.encode_level(amount),
            "employeeNumber": str(self._settings.employee_number),
            "reference": token[:_REFERENCE_LENGTH],
        }
        try:
            answer = self._client.write("setStock", request=request)
        except RejectedError as error:
            refusal = RejectedError(error.code, **{**error.facts, "branch": branch})
        else:
            return (answer.findtext(qualified("stockId")) or "").strip()
        raise refusal


def _looked_up_by(record: Record) -> tuple[str, ...]:
    """Return the texts that decide which values of a record are looked up, and their number."""
    branches = [part.key for part in record.parts]
    return str(len(branches)), record.key, _number(record), *branches


def _stock_request(branch: str, page: Sequence[str]) -> dict[str, Any]:
    return {"request": {"branchNumber": branch, "articleNumbers": {"articleNumbers": page}}}


def _require_number(number: str, element: Element) -> None:
    """Raise WrongValueError if a row or an article does not have the requested number, or contradicts another one."""
    require_not_different(element)
    if codec.article_number(element) != number:
        raise WrongValueError("articleNumber", codec.article_number(element))


def _stock_count(record: Record) -> StockCounted | None:
    return counted_value(record.values.get(COUNTED))


def _moved_since(stock_count: StockCounted, branch: str, row: Element, movements: Iterable[Movement]) -> Decimal:
    """Return the change in free stock since the last counted movement, up to the movement that the row includes.

    Stock reserved for orders beyond the counted reservation is not free either. Raises WrongValueError if one of these
    movements is unreadable.
    """
    later = tuple(movements)
    if (wrong := unreadable_movement(later, stock_count.last_movement, codec.stock_id(row))) is not None:
        raise WrongValueError(wrong.unread, wrong.number)
    free, delivered = stock_count.moved(later, codec.stock_id(row))
    if branch not in stock_count.reserved:
        return free
    return free - max(Decimal(0), codec.decode_reserved(row) - stock_count.reserved[branch] - delivered)


def _moves_at(movements: MovementsByPlace, branch: str, number: str) -> list[Movement]:
    """Return the movements of an article in a branch, and those whose branch is unreadable."""
    return [*movements.get((branch, number), ()), *movements.get(("", number), ())]


def _by_place(movements: Iterable[Movement]) -> MovementsByPlace:
    movements_by_place: dict[tuple[str, str], list[Movement]] = defaultdict(list)
    for movement in movements:
        movements_by_place[movement.branch, movement.article].append(movement)
    return movements_by_place


def _number(record: Record) -> str:
    number = str(record.values.get("number") or "")
    return str(int(number)) if till_numbers([number]) else ""


def _branch(key: str) -> str:
    if not till_numbers([key]):
        raise RejectedError("branch_missing", branch=key)
    return key


def _levels(desired: Record) -> dict[str, Value]:
    """Return the amounts to set, by branch."""
    return {part.key: part.values["amount"] for part in desired.parts if "amount" in part.values}
