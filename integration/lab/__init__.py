"""Fault lab: runs flows on separate systems under faults from a seed, and compares them with a run without faults.

A trial is one run of one flow. It has a console in a separate process (`child`) with its own folder or database
(`fixture`), both systems as sandboxes, and a schedule of faults (`schedule`), each injected at one exact call
(`fault_plan`). `console_operator` answers questions that only a person can answer. `verdict` compares both systems with
the result of the run without faults (the baseline). `trials` runs a series of trials in a process that `program`
starts; `report` stores its progress.
"""
