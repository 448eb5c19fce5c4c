"""The process itself: its signals, its child processes, its periodic threads, and its standard error."""
