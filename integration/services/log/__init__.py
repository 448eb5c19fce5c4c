"""The log as pages and terminal read it: events, search, downloads."""
