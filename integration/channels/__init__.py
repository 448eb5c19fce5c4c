"""The way out to channels: a process of its own for each post, which is given little time and ends with it.

What a channel's library does, how long it takes, and what it says, is nothing a run could wait for or a log would hold.
"""
