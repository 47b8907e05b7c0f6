"""What callers say of decisions and answers: `Feedback` stores it, `read_feedback` reads it for tuning."""

from extproc.feedback.entries import Entry, read_feedback
from extproc.feedback.judge import Feedback
from extproc.feedback.ratings import Rated, differ, rated

__all__ = ["Entry", "Feedback", "Rated", "differ", "rated", "read_feedback"]
