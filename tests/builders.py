"""Complete records and changes, with values to override."""

from collections.abc import Mapping
from decimal import Decimal

from integration.connectors.accountview.settings import AccountViewSettings
from integration.core.plan import Action, Change
from integration.core.records import Kind, Record, Value
from integration.flows.spec import FlowLogic
from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from integration.sandbox.server import Sandbox


def a_group(key: str = "KLED", **values: Value) -> Record:
    """Return an article group as the source and the target have it."""
    return Record(Kind.GROUP, key, {"name": "Kleding", **values})


def an_article(key: str = "1001", **values: Value) -> Record:
    """Return an article as the source has it; price excluding VAT with four decimals."""
    complete: dict[str, Value] = {
        "code": key,
        "name": f"Artikel {key}",
        "price": Decimal("16.5289"),
        "group": "KLED",
        "vat_code": "2",
        "unit": "ST",
        "blocked": False,
        "stock": Decimal("14.0000"),
    }
    return Record(Kind.ARTICLE, key, complete | values)


def a_part(number: str = "1001", **values: Value) -> Record:
    """Return an article as the target has it inside a product; `source` is the code it came from."""
    complete: dict[str, Value] = {
        "name": f"Artikel {number}",
        "price_incl": Decimal("20.00"),
        "active": True,
    }
    return Record(Kind.ARTICLE, number, complete | values, source=number)


def a_product(key: str = "1001", parts: tuple[Record, ...] = (), **values: Value) -> Record:
    """Return a product of the target with one article, or with the parts given."""
    complete: dict[str, Value] = {"name": f"Artikel {key}"}
    return Record(Kind.PRODUCT, key, complete | values, parts or (a_part(key),), source=key)


def a_create(record: Record) -> Change:
    """Return the change that makes a record the target does not have."""
    return Change(
        action=Action.CREATE,
        kind=record.kind,
        key=record.key,
        title=record.key,
        sources=(record.source or record.key,),
        desired=record,
        before=None,
        agreed=record,
    )


def an_update(record: Record, action: Action = Action.UPDATE, **paths: Value) -> Change:
    """Return the change of some values of a record's own; see `an_update_at` for those of its parts."""
    return an_update_at(record, paths, action)


def an_update_at(record: Record, paths: Mapping[str, Value], action: Action = Action.UPDATE) -> Change:
    """Return the change of some values of a record the target holds, under their paths (`1001/price_incl`)."""
    now = record.flat()
    return Change(
        action=action,
        kind=record.kind,
        key=record.key,
        title=record.key,
        sources=(record.source or record.key,),
        desired=_record_at_paths(record, paths),
        before=_record_at_paths(record, {path: now.get(path) for path in paths}),
        agreed=_record_at_paths(record, paths),
    )


def _record_at_paths(shape: Record, paths: Mapping[str, Value]) -> Record:
    parts = []
    for part in shape.parts:
        inside = {path.rpartition("/")[2]: value for path, value in paths.items() if path.startswith(f"{part.key}/")}
        parts += [Record(part.kind, part.key, inside, source=part.source)] if inside else []
    own = {path: value for path, value in paths.items() if "/" not in path}
    return Record(shape.kind, shape.key, own, tuple(parts), shape.source)


def accountview_settings(sandbox: Sandbox, **changed: object) -> AccountViewSettings:
    """Return how the AccountView in the box is reached, asked as fast as it answers, in small pages."""
    return AccountViewSettings.model_validate(
        {
            "url": sandbox.accountview_url,
            "authorize_url": sandbox.accountview_url.replace("/api/v3", "/ams/authorize.aspx"),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
            "company": "7f3c",
            "per_second": 10_000,
            "page_size": 25,
            **changed,
        }
    )


def a_stock(key: str = "1001", managed: bool | None = True, **levels: str) -> Record:
    """Return the stock of an article at the till: a level per branch, named `b1="14"`."""
    values: dict[str, Value] = {"number": key} if managed is None else {"number": key, "managed": managed}
    parts = tuple(
        Record(Kind.LEVEL, branch.removeprefix("b"), {"amount": Decimal(amount)}) for branch, amount in levels.items()
    )
    return Record(Kind.STOCK, key, values, parts)


def a_debtor(key: str = "10042", /, **values: Value) -> Record:
    """Return a person in the books as the source of customers."""
    complete: dict[str, Value] = {
        "number": key,
        "name": f"Klant {key}",
        "contact": "",
        "street": "Kerkstraat 1",
        "postcode": "1234 AB",
        "city": "Utrecht",
        "country": "NL",
        "phone": "030 1234567",
        "email": f"klant{key}@voorbeeld.nl",
        "vat_number": "",
        "blocked": False,
        "account": "1300",
    }
    return Record(Kind.DEBTOR, key, complete | values)


def a_relation(key: str = "R1", **values: Value) -> Record:
    """Return a customer of the till, under a number of its own."""
    return Record(Kind.RELATION, key, {"name": f"Klant {key}", "active": True, **values})


def guard_counts(logic: FlowLogic, change: Change, current: Record | None = None) -> dict[str, int]:
    """Return the counts of a change of the target's record for the brakes of a flow."""
    guards = [guard for guard in logic.settings.guards if not guard.whole]
    counts = {guard.name: guard.count(change, logic.settings, current) for guard in guards}
    return {name: count for name, count in counts.items() if count}
