"""Many symbols as one experiment: one calendar, one pooled walk, one answer."""
