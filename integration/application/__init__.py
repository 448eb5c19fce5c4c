"""Builds the application of a process: the services, their wiring and their authorization."""
