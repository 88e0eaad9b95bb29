"""The measure of numeric features: moments, histogram and digest of blocks of them."""
