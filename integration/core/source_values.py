"""Original source values of fields that the target stores truncated, transliterated or normalized.

They travel in the record beside its values, are never written, and appear in the plan beside the stored form.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from integration.core.records import Record, Value
from integration.core.transliteration import normalized_text, transliterate
from integration.core.vat_numbers import normalized_vat_number

AS_REPORTED = "as_told:"
VAT_NUMBER = "vat_number"
# Text fields that are mapped in full. Of any other field, a mapping may take a part on purpose.
WHOLE = frozenset({"name", "company", "contact", "street", "postcode", "city", "phone", "mobile", "website"})


def with_source_values(
    values: Mapping[str, Value], source: Mapping[str, Value], code_page: str = "utf-8"
) -> dict[str, Value]:
    """Return the source text of each value that the target stores in another form, under prefixed names.

    Differences in whitespace and case are ignored. `code_page` is the target's code page.
    """
    texts = [text for value in source.values() if isinstance(value, str) and (text := value.strip())]
    source_texts: dict[str, Value] = {}
    for name in WHOLE & values.keys():
        if source_text := _source_text(values[name], texts, code_page):
            source_texts[AS_REPORTED + name] = source_text
    number, source_text = (str(side.get(VAT_NUMBER) or "").strip() for side in (values, source))
    if number and source_text and normalized_vat_number(source_text) != normalized_vat_number(number):
        source_texts[AS_REPORTED + VAT_NUMBER] = source_text
    return source_texts


def _source_text(value: Value, texts: Collection[str], code_page: str) -> str:
    """Return the source text that a value truncates or transliterates, or an empty text if the value is complete."""
    mark = normalized_text(value) if isinstance(value, str) else ""
    if not mark or any(normalized_text(text) == mark for text in texts):
        return ""
    longer = [text for text in texts if normalized_text(transliterate(text, code_page)).startswith(mark)]
    return min(longer, key=len, default="")


def split_source_values(record: Record) -> tuple[Record, dict[str, str]]:
    """Return a record without its source values, and these values by field name."""
    source_texts = {
        name.removeprefix(AS_REPORTED): str(value)
        for name, value in record.values.items()
        if name.startswith(AS_REPORTED)
    }
    if not source_texts:
        return record, {}
    values = {name: value for name, value in record.values.items() if not name.startswith(AS_REPORTED)}
    return replace(record, values=values), source_texts


def is_cut(value: Value, source_text: str) -> bool:
    """Return True if a value is a truncated form of the source text."""
    return len(normalized_text(str(value))) < len(normalized_text(source_text))
