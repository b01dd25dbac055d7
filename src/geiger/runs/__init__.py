"""What a run leaves behind: its folder, its record, the model for use."""
