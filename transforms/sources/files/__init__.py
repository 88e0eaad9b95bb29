"""Files as a source: Avro, Parquet, JSON lines, Arrow IPC on any file system of Beam."""
