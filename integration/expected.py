"""What a value should have been: what pydantic finds wrong, in the words of this console."""

from pydantic_core import ErrorDetails

_RULES = {
    "extra_forbidden": "a name that exists",
    "missing": "a value",
    "string_too_short": "at least {min_length} signs",
    "string_too_long": "at most {max_length} signs",
    "string_pattern_mismatch": "letters, digits and _ alone",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "value_error": "{error}",
}
_KINDS = {
    "bool": "true or false", "int": "a whole number", "decimal": "a number", "float": "a number", "finite": "a number",
    "string": "text", "list": "a list", "tuple": "a list", "dict": "a group of values", "model": "a group of values",
}  # fmt: skip


def expected(wrong: ErrorDetails) -> str:
    """Return what a value should have been; nothing of the value itself."""
    rule = _RULES.get(wrong["type"]) or _KINDS.get(wrong["type"].partition("_")[0], "another value")
    return rule.format(**wrong.get("ctx", {}))
