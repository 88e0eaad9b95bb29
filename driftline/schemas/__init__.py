"""The columns of a row, declared once: Arrow, Avro and BigQuery are read from the same fields."""
