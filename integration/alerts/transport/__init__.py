"""Sends messages to channels, each in a separate process with a time limit.

A channel library can block, and its errors can contain secrets. The process keeps both away from runs and from the log.
"""
