"""The embedding model: how it is run, and where it is had from."""
