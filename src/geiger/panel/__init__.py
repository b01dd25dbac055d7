"""Many symbols as one experiment: material, pooled walk, what is issued, and what it was worth."""
