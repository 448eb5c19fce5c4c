"""One function, as chains and expressions call it."""

from collections.abc import Callable
from dataclasses import dataclass

from integration.core.records import Value
from integration.core.rules import RuleError, is_empty
from integration.flows.functions.values import bounded, out_of_reach


@dataclass(frozen=True, slots=True)
class Tool:
    """One function: how many arguments it takes besides the value, and which of them name fields in a chain."""

    run: Callable[..., Value]
    least: int = 0
    most: int = 0
    fields_from: int | None = None
    check: Callable[..., None] | None = None
    takes_empty: bool = False  # otherwise what is empty stays empty

    def fits(self, name: str, count: int) -> None:
        """Raise RuleError when the function does not take so many arguments."""
        if not self.least <= count <= self.most:
            code = "reason_arguments" if self.least == self.most else "reason_arguments_between"
            raise RuleError(code, name=name, least=self.least, most=self.most, count=count)

    def __call__(self, value: Value = None, *args: Value) -> Value:
        if is_empty(value) and not self.takes_empty:
            return None
        try:
            return bounded(self.run(value, *args))
        except ArithmeticError as error:
            raise out_of_reach(error) from None
