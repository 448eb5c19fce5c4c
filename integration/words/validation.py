"""Reasons for pydantic's validation errors, without the invalid value."""

from pydantic_core import ErrorDetails

from integration.core.errors import Reason

_RULES = {
    "extra_forbidden": "expected_known_name",
    "missing": "expected_any",
    "string_too_short": "expected_signs_least",
    "string_too_long": "expected_signs_most",
    "string_pattern_mismatch": "expected_letters",
    "greater_than": "expected_more",
    "greater_than_equal": "expected_least",
    "less_than": "expected_less",
    "less_than_equal": "expected_most",
    "literal_error": "expected_one_of",
    "enum": "expected_one_of",
}
_KINDS = {
    "bool": "expected_flag", "int": "expected_whole", "decimal": "expected_number", "float": "expected_number",
    "finite": "expected_number", "string": "expected_text", "list": "expected_list", "tuple": "expected_list",
    "dict": "expected_group", "model": "expected_group",
}  # fmt: skip


def reason_of(wrong: ErrorDetails) -> Reason:
    """Return the expected form of a value."""
    kind = wrong["type"]
    code = kind if kind.startswith("expected_") else _RULES.get(kind) or _KINDS.get(kind.partition("_")[0])
    facts = {name: str(fact) for name, fact in wrong.get("ctx", {}).items()}
    if code == "expected_one_of":  # pydantic lists them as "'a', 'b' or 'c'"
        return Reason(code, {"options": facts["expected"].replace(" or ", ", ").replace("'", "")})
    return Reason(code, facts) if code else Reason("expected_other")
