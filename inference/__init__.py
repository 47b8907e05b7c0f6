"""The llama.cpp container beside the application: one GGUF, an OpenAI-compatible API."""
