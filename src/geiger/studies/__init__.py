"""Many experiments on markets made for a question."""
