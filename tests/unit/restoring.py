"""Texts of an answer on their way through the editors of a vault, as an answer leads them."""

from extproc.payload.channel import Channel


class Answer(Channel):
    """One text that arrives in pieces, and how much of it is held back."""

    @property
    def held(self):
        """Characters that wait."""
        return len(self._held)

    def close(self):
        """The rest."""
        return self.feed("", end=True)


def restored(vault, text):
    """A whole text with the originals in it again."""
    return Answer(vault.restorer()).feed(text, end=True)
