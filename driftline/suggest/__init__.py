"""From data to a configuration that could be right: what its columns are, and windows of its own rhythm."""
