"""The bundled embedding model, its tokenizer, its static table: data files only."""
