"""Many symbols as one experiment, and the engines that do the work of many."""
