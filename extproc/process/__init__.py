"""The running processor: its workers, how they are watched and reloaded, and the port for operators."""
