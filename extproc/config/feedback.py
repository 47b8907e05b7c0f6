"""Whether callers may say what a text would have meant, and how good an answer was."""

from __future__ import annotations

from pydantic import Field

from extproc.config.fields import ExactPath, MeshPath
from extproc.config.intercept import Intercept
from extproc.config.section import Section


class Feedback(Section):
    """One endpoint, which the processor answers itself. Not there: it is off."""

    file: MeshPath
    """Where lines are kept for `intentmesh tune`, masked, relative to `mesh.yaml`. It is made with mode 0600."""
    path: ExactPath = "/v1/feedback"
    """Which `POST` it is."""
    max_bytes: int = Field(default=10 * 2**20, ge=4096)
    """Of the file. A line that would make it longer is refused with 507: nothing that was kept is thrown away."""

    def rules(self) -> tuple[Intercept, ...]:
        """What the processor has to be asked about for it: of its fields one is text."""
        text = "$.text"
        return (
            Intercept(
                path=self.path,
                methods=("POST",),
                payload="json",
                texts=(text,),
                intent_from=text,
                on_unreadable="reject",
                restore=False,
            ),
        )
