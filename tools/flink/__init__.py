"""A Flink cluster on this machine, with Beam's job server and Python workers."""
