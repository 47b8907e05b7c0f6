"""Finding the texts in a body and writing them back, nothing else touched."""
