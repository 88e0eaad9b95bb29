"""What is decided of profiles and signals: result rows of a window, and changes of a signal."""
