"""AccountView as a connector: which calls make up an extract, a check, a choice of the set-up."""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from integration.connectors.accountview.answers import SYSTEM
from integration.connectors.accountview.client import AccountViewClient, Filter, Query, utc_now
from integration.connectors.accountview.codec import (
    Column,
    Row,
    article_names,
    decode_article,
    decode_group,
    group_names,
    literal,
    number,
    offered_fields,
    stamp,
    text,
)
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.http import Line, side_by_side
from integration.connectors.protocol import Finding, References
from integration.core.errors import AccessDeniedError, IntegrationError, MalformedAnswerError, RejectedError
from integration.core.plan import Change
from integration.core.records import Batch, Field, Held, Kind, Record, Written
from integration.core.tokens import TokenKeeper

FLOW = "products"
USED_WHERE_PRESENT = frozenset({"vat_code", "unit", "blocked", "stock"})
"""Default columns that an installation may lack without harm; one named in the settings has to exist."""

CAPTIONS = {
    Kind.ARTICLE: {
        "ean": r"\bean|barcode|gtin|streepjescode|strichcode",
        "text": r"(lange|uitgebreide) omschrijving|artikeltekst|webtekst|langtext|long description",
        "short_text": r"korte omschrijving|kurztext|short description",
        "parent": r"hoofdartikel|moederartikel|\bmodel|parent|hauptartikel",
        "colour": r"\bkleur|colou?r|\bfarbe",
        "size": r"\bmaat\b|\bsize\b|größe",
        "currency": r"\bvaluta|currency|währung",
    },
    Kind.GROUP: {"parent": r"bovenliggend|hoofdgroep|parent|übergeordnet|obergruppe"},
}
"""What captions of the dictionary suggest for fields that have no column by default; Dutch, German and English."""

SAME_START = 5  # `Equal` may compare beginnings only, as Visual FoxPro does: read some and look ourselves


@dataclass(frozen=True, slots=True)
class _Reading:
    """How records of one kind are read."""

    of: BusinessObject
    names: Mapping[str, str]
    decode: Callable[[Row], Record | None]

    @property
    def key(self) -> str:
        return self.names["code"]

    @property
    def changed(self) -> str:
        return self.names.get("changed", "")


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where an extract stands: handed out and back as text. `stamp` is from before its first page was read."""

    stamp: str | None
    page: int = 1
    read: int = 0
    first: str = ""
    last: str = ""

    def __str__(self) -> str:
        return json.dumps(asdict(self))


class AccountView:
    """AccountView as the source of article groups and articles; safe to share, closed with `close()`.

    `client.login` holds the log-in of a person: `authorize_address` and `exchange`.
    """

    system = SYSTEM

    def __init__(
        self,
        settings: AccountViewSettings,
        keeper: TokenKeeper,
        *,
        line: Line | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.in_flight = settings.in_flight
        self.client = AccountViewClient(settings, keeper, line=line, now=now)
        self._now = now

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    def check(self) -> list[Finding]:
        """Return the connection check, stopping at the first thing that is wrong. Never raises."""
        looks: dict[str, Callable[[], str]] = {
            "host": self._look_at_host,
            "certificate": self._look_at_certificate,
            "credentials": self._look_at_credentials,
            "company": self._look_at_company,
            "rights": self._look_at_rights,
            "fields": self._look_at_fields,
        }
        findings: list[Finding] = []
        for name, look in looks.items():
            if findings and not findings[-1].ok:
                findings.append(Finding(name, None))
                continue
            try:
                findings.append(Finding(name, ok=True, about=look()))
            except IntegrationError as error:
                findings.append(Finding(name, ok=False, cause=error.code, facts=dict(error.facts)))
        return findings

    def _look_at_host(self) -> str:
        try:
            self.client.greet()
        except IntegrationError as error:
            if error.code != "certificate_invalid":  # somebody is there; the next look says who it is not
                raise
        return self.client.host

    def _look_at_certificate(self) -> str:
        self.client.greet()
        return ""

    def _look_at_credentials(self) -> str:
        self.client.companies()
        return ""

    def _look_at_company(self) -> str:
        chosen = self.settings.company
        for company in self.client.companies():
            if company.id == chosen and chosen:
                return company.name
        raise AccessDeniedError("company_not_available", system=SYSTEM, company=chosen)

    def _look_at_rights(self) -> str:
        offered = {one.code for one in self.client.objects()}
        objects = self.settings.objects
        for of, key in (
            (objects.groups, self.settings.group.code),
            (objects.articles, self.settings.article.code),
            (objects.vat, "VAT_CODE"),
        ):
            if of.code.upper() not in offered:
                raise RejectedError("object_missing", system=SYSTEM, object=of.code, flow=FLOW)
            self._may_read(of, key)
        return ""

    def _may_read(self, of: BusinessObject, key: str) -> None:
        """Read one row: a missing right shows itself only when it is used."""
        try:
            self.client.page(Query(of=of, sort=(key,), size=1))
        except RejectedError as error:
            said = error.facts.get("message", "")
        else:
            return
        raise AccessDeniedError("right_missing", system=SYSTEM, object=of.code, action="read", message=said)

    def _look_at_fields(self) -> str:
        given = self.settings.article.model_fields_set
        for kind in (Kind.GROUP, Kind.ARTICLE):
            reading = self._reading(kind)
            columns = {column.name for column in self.client.dictionary(reading.of.table)}
            for name, column in reading.names.items():
                optional = name in USED_WHERE_PRESENT and name not in given
                if column not in columns and not optional:
                    raise RejectedError("field_unknown", system=SYSTEM, field=column, flow=FLOW)
        return ""

    def fields(self, kind: Kind) -> list[Field]:
        """Return the fields of a kind: those with a meaning under our names, then all others of the dictionary."""
        reading = self._reading(kind)
        return offered_fields(kind, self.client.dictionary(reading.of.table), reading.names)

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and their captions: vat_codes, vat_rates, ledgers, companies, article_fields; else nothing."""
        match name:
            case "vat_codes":
                return {code: f"{caption} ({rate.rstrip('0').rstrip('.')} %)" for code, caption, rate in self._vat()}
            case "vat_rates":
                return {code: rate for code, _, rate in self._vat()}
            case "ledgers":
                rows = self._all(self.settings.objects.ledgers, "ACCT_NR")
                return {text(row["ACCT_NR"]) or "": text(row.get("ACCT_NAME")) or "" for row in rows}
            case "companies":
                return {one.id: f"{one.name} ({one.code})" for one in self.client.companies()}
            case "article_fields":
                columns = self.client.dictionary(self.settings.objects.articles.table)
                return {column.name: column.caption for column in columns}
            case _:
                return {}

    def _vat(self) -> list[tuple[str, str, str]]:
        """Every VAT code with its name and its percentage, such as `21.00`."""
        found = []
        for row in self._all(self.settings.objects.vat, "VAT_CODE"):
            code, rate = text(row["VAT_CODE"]) or "", number(row.get("VAT_PCT"), 2)
            found.append((code, text(row.get("VAT_NAME")) or code, f"{rate or 0:.2f}"))
        return found

    def propose_fields(self) -> dict[Kind, dict[str, str]]:
        """Return a column for each field that has none, where a caption of the dictionary suggests one."""
        return {kind: self._proposed(self._reading(kind), captions) for kind, captions in CAPTIONS.items()}

    def _proposed(self, reading: _Reading, captions: Mapping[str, str]) -> dict[str, str]:
        taken = set(reading.names.values())
        free = [column for column in self.client.dictionary(reading.of.table) if column.name not in taken]
        proposals: dict[str, str] = {}
        for name, pattern in captions.items():
            column = _first_with(pattern, free) if name not in reading.names else None
            if column is not None:
                proposals[name] = column.name
                free.remove(column)
        return proposals

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None) -> Batch:
        """Return one page of what changed from the stamp `since` on, of everything when it is None.

        Stamps are moments of AccountView's own clock as text. Repeating a page is safe. Raises MalformedAnswerError
        when the server does not turn the page, for then nobody knows what is missing.
        """
        reading = self._reading(kind)
        mark = _Mark(**json.loads(after)) if after else _Mark(self._newest(reading) or since)
        rows = self.client.page(self._page_query(reading, since, mark))
        keys = [text(row.get(reading.key)) or "" for row in rows]
        if keys and after and keys[0] == mark.first:
            raise MalformedAnswerError("answer_incomplete", system=SYSTEM, count=mark.read, object=reading.of.code)
        records = tuple(record for row in rows if (record := reading.decode(row)) is not None)
        if len(rows) < self.settings.page_size:
            return Batch(records, None, mark.stamp)
        following = replace(mark, page=mark.page + 1, read=mark.read + len(rows), first=keys[0], last=keys[-1])
        return Batch(records, str(following), mark.stamp)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys; a key that is gone is left out."""
        reading = self._reading(kind)
        found = side_by_side(lambda key: self._one(reading, key), sorted(set(keys)), self.in_flight)
        records = []
        for one in found:
            if isinstance(one, IntegrationError):
                raise one
            records += [one] if one is not None else []
        return records

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Refuse: no flow writes to AccountView yet."""
        del references
        self._not_a_target(wanted[0].key if wanted else "")

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        """Refuse: no flow writes to AccountView yet."""
        del held, references, token
        self._not_a_target(change.key)

    def calls(self, change: Change) -> int:
        """Return 0: no flow writes to AccountView yet."""
        del change
        return 0

    def changed(self, kind: Kind, since: str, after: str | None = None) -> Batch:
        """Refuse: no flow writes to AccountView yet."""
        del since, after
        self._not_a_target(kind)

    def _reading(self, kind: Kind) -> _Reading:
        objects, article, group = self.settings.objects, self.settings.article, self.settings.group
        match kind:
            case Kind.GROUP:
                return _Reading(objects.groups, group_names(group), lambda row: decode_group(row, group))
            case Kind.ARTICLE:
                return _Reading(objects.articles, article_names(article), lambda row: decode_article(row, article))
            case _:
                raise RejectedError("request_refused", system=SYSTEM, key=kind)

    def _page_query(self, reading: _Reading, since: str | None, mark: _Mark) -> Query:
        filters: tuple[Filter, ...] = ()
        if since and reading.changed:
            start = datetime.fromisoformat(since) - timedelta(seconds=self.settings.overlap_seconds)
            filters = (Filter(reading.changed, "DateOnOrAfterDate", "T", literal(start)),)
        query = Query(of=reading.of, sort=(reading.key,), size=self.settings.page_size, filters=filters)
        if self.settings.page_strategy == "last_key":
            return replace(query, last_key=mark.last or None)
        return replace(query, number=mark.page)

    def _newest(self, reading: _Reading) -> str | None:
        """Return the highest stamp before the first page is read: what changes while pages turn comes next time.

        A stamp from the future, of a workstation with a wrong clock, would hide every change until then.
        """
        if not reading.changed:
            return None
        columns = (reading.key, reading.changed)
        rows = self.client.page(Query(of=reading.of, sort=(reading.changed,), size=1, fields=columns, descending=True))
        newest = stamp(rows[0].get(reading.changed)) if rows else None
        now = self._now().astimezone(ZoneInfo(self.settings.time_zone))
        return min(newest, f"{now:%Y-%m-%dT%H:%M:%S}") if newest else None

    def _one(self, reading: _Reading, key: str) -> Record | None:
        same = Filter(reading.key, "Equal", "C", key)
        rows = self.client.page(Query(of=reading.of, sort=(reading.key,), size=SAME_START, filters=(same,)))
        records = [record for row in rows if (record := reading.decode(row)) is not None]
        exact = [record for record in records if record.key == key]
        alike = [record for record in records if record.key.casefold() == key.casefold()]
        return next(iter(exact or alike), None)

    def _all(self, of: BusinessObject, key: str) -> list[Row]:
        """Return all rows of a short list that have a key."""
        found: dict[str, Row] = {}
        for page in range(1, self.settings.page_size):
            rows = self.client.page(Query(of=of, sort=(key,), size=self.settings.page_size, number=page))
            fresh = {code: row for row in rows if (code := text(row.get(key))) and code not in found}
            found |= fresh
            if len(rows) < self.settings.page_size or not fresh:
                break
        return list(found.values())

    def _not_a_target(self, key: str) -> NoReturn:
        raise RejectedError("request_refused", system=SYSTEM, key=key)


def _first_with(pattern: str, columns: Sequence[Column]) -> Column | None:
    """Return the first text column whose caption fits."""
    fits = re.compile(pattern, re.IGNORECASE)
    return next((column for column in columns if column.type in "CM" and fits.search(column.caption)), None)
