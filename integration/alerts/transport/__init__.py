"""Sends messages to channels. Each message is sent by a process of its own with a time limit.

A channel library can block, and its errors can hold secrets. Neither reaches a run or the log.
"""
