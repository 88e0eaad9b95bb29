"""From bytes to events: decoders of every message format, and what normalises their records."""
