"""The console as a server of the web: who may ask it, what it answers beside pages, and under which headers."""
