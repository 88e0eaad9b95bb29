"""Where events, labels and metrics come from: each source gives record batches and dead letters."""
