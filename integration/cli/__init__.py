"""Commands of the terminal: `sluis` and `python -m integration`."""
