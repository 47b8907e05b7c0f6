"""A wheel of llama-cpp-python that computes on the processor it is for. Standard library only, as set-up needs it."""
