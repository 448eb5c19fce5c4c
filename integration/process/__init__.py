"""The process itself: signals, child processes, periodic threads and standard error."""
