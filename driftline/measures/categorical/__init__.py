"""The measure of categorical features: counts, cardinality and frequent items of blocks of them."""
