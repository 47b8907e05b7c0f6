"""Examples in the output of commands: a line each, however long they are."""

LONGEST = 100


def shortened(text: str) -> str:
    """The start of a long text, and how long it is."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 20]}... ({len(text)} characters)"
