"""Durable runs: the workflow engine, its tables, the assignment of runs to processes, and the recovery of orphans."""
