"""One file per command: parse, call, set the exit code."""
