"""Fuzzing of what is read from outside: Avro of any schema, and bytes of state; ``python -m tests.fuzz``."""
