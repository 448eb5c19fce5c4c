"""What comes with the program beside its modules, and where an installation keeps what is its own.

In a wheel `app.py`, `pages/`, `static/` and the shipped data lie beneath this package, in a checkout beside it. Nothing
is ever written there.
"""

from pathlib import Path

from platformdirs import user_data_path

PACKAGE = Path(__file__).parent
PROGRAM = PACKAGE.parent
"""The folder in which Python finds this package."""

IS_INSTALLED = (PACKAGE / "console").is_dir()
SHIPPED = PACKAGE / "console" if IS_INSTALLED else PROGRAM
COMMAND = "sluis" if IS_INSTALLED else "python -m integration"
"""What a person types before the name of a command."""

DATA = user_data_path("sluis", appauthor=False) if IS_INSTALLED else Path("data")
"""The data folder where nobody names another; in a checkout the one of the working folder."""
