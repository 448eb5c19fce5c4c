"""The fault lab: flows on systems of their own under trouble that a seed decides, compared with a calm run.

A trial is one run of one flow: a console in a process of its own (`child`), kept on a folder or a database of its own
(`fixture`), both systems in a box, and a schedule of what goes wrong when (`schedule`), each at exactly that call
(`fault_plan`). `console_operator` answers what only a person can, and `verdict` compares both systems with what a run
without faults left (the baseline). `trials` goes through a series of them, in a process that `beside` begins;
`report` is how far it is.
"""
