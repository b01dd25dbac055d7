"""Market data: the canonical daily frame, the files and sources it comes from, and doubts about it."""
