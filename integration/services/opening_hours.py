"""Opening hours of the shop, and the longest time without a proof before an alert."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError
from integration.core.opening_hours import WeekHours, open_between
from integration.core.people import Actor, Right
from integration.core.timetable import WALL_CLOCK, HolidayCountry
from integration.store.settings import StoredSettings
from integration.words.validation import reason_of

OPENING_HOURS_SETTING = "openings"
COUNTRIES = tuple(filter(None, get_args(HolidayCountry)))
ZONE = ZoneInfo(WALL_CLOCK)


class OpeningHours(BaseModel):
    """Opening hours, except on the holidays of `country`.

    An alert follows after `proof_hours` without a proof; 0: never.
    """

    country: str = "NL"
    opens: time = time(9)
    closes: time = time(18)
    weekdays: frozenset[Annotated[int, Field(ge=0, le=6)]] = frozenset(range(6))
    proof_hours: int = Field(default=4, ge=0, le=500)

    def is_closed(self, day: date) -> bool:
        """Return True if a day is a holiday."""
        return is_holiday(self.country, day)

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how long the shop was open between two moments."""
        return open_between(start, end, WeekHours(self.opens, self.closes, self.weekdays), ZONE, self.is_closed)


def is_holiday(country: str, day: date) -> bool:
    """Return True if a day is a holiday in a country. False for a country of which the holidays are not known."""
    return country in COUNTRIES and day in _holidays(country, day.year)


@lru_cache(maxsize=32)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - most commands ask for no holiday

    return frozenset(holidays.country_holidays(country, years=year))


class OpeningHoursSettings:
    """The stored opening hours."""

    def __init__(self, settings: StoredSettings) -> None:
        self._settings = settings

    @requires(Right.SEE)
    def current_hours(self) -> OpeningHours:
        """Return the stored opening hours, or the defaults if they cannot be used."""
        try:
            return OpeningHours(**(self._settings.get(OPENING_HOURS_SETTING) or {}))
        except ValidationError:
            return OpeningHours()

    @requires(Right.ADMINISTER)
    def change(self, values: Mapping[str, Any], by: Actor) -> None:
        """Store changed opening hours. Raises ConfigurationError for invalid values."""
        try:
            changed = OpeningHours(**{**self.current_hours().model_dump(), **values})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            why = reason_of(first)
            raise ConfigurationError(
                "setting_invalid", setting=str(first["loc"][0]), expected=why.code, **why.facts
            ) from None
        if changed.opens >= changed.closes:
            raise ConfigurationError("setting_invalid", setting="closes", expected="expected_later")
        self._settings.put(OPENING_HOURS_SETTING, changed.model_dump(mode="json"), by.ref)
