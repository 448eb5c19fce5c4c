"""Captions of price terms: by type, scope and minimum quantity."""

from collections.abc import Callable, Mapping

from integration.core.prices import term_of

Say = Callable[[str, Mapping[str, object]], str]


def priced_name(field: str, say: Say) -> str:
    """Return the caption of a price term's field, with or without its kind; empty for any other field."""
    priced = term_of(field) or term_of(field.partition(".")[2])
    if priced is None:
        return ""
    said = say(f"term_{priced.of}", {"number": priced.number})
    if priced.minimum:
        said = say("term_from", {"term": said, "minimum": priced.minimum})
    return say(f"term_{priced.how}", {"term": said})
