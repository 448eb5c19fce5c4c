"""Formats days and times in each language, with Babel's texts only."""

from datetime import UTC, date, datetime, tzinfo

from babel import dates

from integration.words.catalogues import LOCALES

_TABLE_DAYS = {"en": "dd/MM/y", "nl": "dd-MM-y", "de": "dd.MM.y"}  # Babel's short German year has two digits


def capital(text: str) -> str:
    """Return the text with a capital at the start."""
    return text[:1].upper() + text[1:]


def long_day(at: datetime, language: str = "en", zone: tzinfo = UTC) -> str:
    """Return the weekday with the date, for the head of a page."""
    return dates.format_date(at.astimezone(zone), "full", locale=LOCALES[language])


def whole_day(day: date, language: str = "en") -> str:
    """Return a date with its weekday, for the head of a sheet."""
    return capital(dates.format_date(day, "full", locale=LOCALES[language]))


def month(day: date, language: str = "en") -> str:
    """Return the month of a day, with its year."""
    return capital(str(dates.format_skeleton("yMMMM", day, locale=LOCALES[language])))


def weekdays(language: str = "en") -> list[str]:
    """Return the abbreviated names of the weekdays, Monday first."""
    names = dates.get_day_names("abbreviated", context="stand-alone", locale=LOCALES[language])
    return [str(names[number]) for number in range(7)]


def weekday_names(language: str = "en") -> list[str]:
    """Return the names of the weekdays for a sentence about each of them ("Mondays"), Monday first."""
    names = dates.get_day_names("wide", context="stand-alone", locale=LOCALES[language])
    return [f"{names[number]}{'s' if language == 'en' else ''}" for number in range(7)]


def short_day(at: datetime, language: str = "en", zone: tzinfo = UTC) -> str:
    """Return day and month."""
    return dates.format_skeleton("MMMd", at.astimezone(zone), locale=LOCALES[language])


def table_day(value: date, language: str = "en") -> str:
    """Return a day in digits with the year, for tables and input fields."""
    return dates.format_date(value, _TABLE_DAYS[language], locale=LOCALES[language])


def table_time(value: datetime, language: str = "en", *, seconds: bool = False) -> str:
    """Return a time for tables: day, month and time, in the value's own time zone."""
    day = dates.format_skeleton("MMMd", value, locale=LOCALES[language])
    return f"{day}, {value:%H:%M:%S}" if seconds else f"{day}, {value:%H:%M}"


def clock_time(at: datetime, language: str = "en", zone: tzinfo = UTC) -> str:
    """Return the time of day with seconds."""
    return dates.format_time(at.astimezone(zone), "HH:mm:ss", locale=LOCALES[language])
