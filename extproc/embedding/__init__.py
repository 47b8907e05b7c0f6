"""The embedding model: how it is run, and where it comes from."""
