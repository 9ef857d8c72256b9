"""Walk a repository: the one place where look, judge and store meet."""
