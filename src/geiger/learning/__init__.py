"""What a model learns from: the target, the folds and the scaled arrays of a fold."""
