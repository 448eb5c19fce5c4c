"""Article numbers of the till that are taken from the article itself."""

from decimal import Decimal

from integration.core.records import Record, Value, is_number
from integration.core.rules import as_text
from integration.flows.products.settings import ProductSettings
from integration.flows.settings import RecordRejected


def number_in(record: Record, settings: ProductSettings) -> str:
    """Return the number from the code or a field of an article. Raises RecordRejected for an invalid number."""
    given: Value = record.values.get(settings.sku_field) if settings.sku_rule == "field" else record.key
    if isinstance(given, Decimal) and given == given.to_integral_value():
        given = f"{given:.0f}"
    number = as_text(given).strip()
    facts = {"article": record.key, "value": number}
    if not is_number(number) or not int(number):
        raise RecordRejected("sku_not_numeric", "number", **facts)
    if number.startswith("0"):
        raise RecordRejected("sku_leading_zero", "number", **facts, number=str(int(number)))
    return number


def number_if(record: Record, settings: ProductSettings) -> str:
    """Return the same number; an empty string if it is invalid."""
    try:
        return number_in(record, settings)
    except RecordRejected:
        return ""
