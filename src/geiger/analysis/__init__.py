"""From many logs to findings and next steps."""
