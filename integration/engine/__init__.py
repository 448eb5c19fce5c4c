"""Durable runs: the workflow engine, its tables, who executes a run, and the recovery of orphans."""
