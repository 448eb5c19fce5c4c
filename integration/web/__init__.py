"""Web server of the console: its guard, its answers other than pages, and its headers."""
