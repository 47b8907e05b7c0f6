"""Feedback that could not be kept as it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config.mesh import Mesh


def feedback_mistakes(mesh: Mesh) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(key path, sentence) for each mistake."""
    feedback = mesh.feedback
    if feedback is None:
        return
    if not mesh.pii.enabled:
        yield ("feedback",), "keeps texts, and these have to be masked: `pii.enabled` must not be false"
    if mesh.shadow:
        yield ("feedback",), "answers requests itself, which `shadow: true` forbids; remove one of them"
    folder = feedback.file.parent
    if not folder.is_dir():
        yield ("feedback", "file"), f"there is no folder {folder} to keep it in"
    elif feedback.file.is_symlink() or (feedback.file.exists() and not feedback.file.is_file()):
        yield ("feedback", "file"), f"{feedback.file} is not a plain file"
