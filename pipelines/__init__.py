"""The jobs a user submits, and the command line that submits them."""
