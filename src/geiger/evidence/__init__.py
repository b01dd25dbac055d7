"""Evidence: how sure one may be that a result is not chance."""
