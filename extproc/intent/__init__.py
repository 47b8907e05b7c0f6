"""What a text means: the cascade."""
