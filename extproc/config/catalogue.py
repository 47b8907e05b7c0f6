"""What callers are told of the models that there are, and what becomes of the name that they ask for."""

from __future__ import annotations

from typing import Literal

from extproc.config.fields import ExactPath
from extproc.config.intercept import Intercept
from extproc.config.section import Section


class Catalogue(Section):
    """The list of models, which the processor answers with itself."""

    enabled: bool | None = None
    """Answer `GET` at `path` from the registry. Default: unless `envoy.upstream` names a service, which may have its own list."""
    path: ExactPath = "/v1/models"
    """The list; each model stands below it."""
    unknown: Literal["route", "refuse"] = "route"
    """A model that nobody knows is asked for: go by intent, as for `auto`, or refuse with 404 and the names that there are."""

    def rules(self) -> tuple[Intercept, ...]:
        """What the processor has to be asked about for it."""
        methods = ("GET",)
        return (Intercept(path=self.path, methods=methods), Intercept(path_prefix=f"{self.path}/", methods=methods))
