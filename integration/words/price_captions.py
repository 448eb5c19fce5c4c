"""What a price or percentage of customers is called: by what it is, for whom, and from how many pieces on."""

from collections.abc import Callable, Mapping

from integration.core.prices import term_of

Say = Callable[[str, Mapping[str, object]], str]


def priced_name(field: str, say: Say) -> str:
    """Return the caption of a field that holds such a term, with its kind or without; empty for any other field."""
    priced = term_of(field) or term_of(field.partition(".")[2])
    if priced is None:
        return ""
    said = say(f"term_{priced.of}", {"number": priced.number})
    if priced.minimum:
        said = say("term_from", {"term": said, "minimum": priced.minimum})
    return say(f"term_{priced.how}", {"term": said})
