"""Measurements as ratios within one run: `make bench`. Absolute seconds depend on the machine and its mood."""
