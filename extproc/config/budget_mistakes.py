"""What a budget wants of other sections of a `mesh.yaml`, and where they lack it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.prices import priced_by_default

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.config.budgets import Budget
    from extproc.config.mesh import Mesh

Mistake = tuple[tuple[str | int, ...], str]


def budget_mistakes(mesh: Mesh) -> Iterable[Mistake]:
    """Every place, and what is wrong there."""
    names: set[str] = set()
    knows = _tells(mesh)
    for i, budget in enumerate(mesh.budgets):
        if budget.name in names:
            yield ("budgets", i, "name"), f"there is a budget `{budget.name}` above: each has a name of its own"
        names.add(budget.name)
        for kind in {budget.by, *(k for k in ("caller", "project", "team") if getattr(budget.only, k))} & knows.keys():
            if not knows[kind]:
                yield (
                    ("budgets", i, "by" if kind == budget.by else "only"),
                    f"nothing in `identity` tells one {kind} from another, so all requests would be one account's",
                )
        yield from _of_usage(mesh, i, budget)
        if budget.unit == "money":
            yield from _of_prices(mesh, i, budget)
    if not mesh.budgets and mesh.budget_state.model_fields_set:
        yield ("budget_state",), "there are no `budgets` whose state this would be"
    if mesh.budget_state.path and mesh.budget_state.path.is_dir():
        yield ("budget_state", "path"), f"{mesh.budget_state.path} is a folder: name a file in it"


def _tells(mesh: Mesh) -> dict[str, bool]:
    """What `identity` can tell apart."""
    identity = mesh.identity
    knows_callers = bool(
        identity.certificate or identity.jwt or identity.keys or identity.workload or identity.headers.id
    )
    return {
        "caller": knows_callers,
        "project": identity.names_projects,
        "team": bool(
            identity.headers.team
            or (identity.jwt and identity.jwt.team)
            or identity.keys
            or any(member.team for member in identity.callers)
        ),
    }


def _of_usage(mesh: Mesh, i: int, budget: Budget) -> Iterator[Mistake]:
    where = ("budgets", i, "unit")
    if budget.unit == "requests":
        return
    if not mesh.telemetry.enabled:
        yield where, f"a budget in {budget.unit} needs `telemetry.enabled: true`: nobody else reads what answers took"
    elif mesh.telemetry.usage is False:
        yield where, f"a budget in {budget.unit} needs what answers took: take `telemetry.usage: false` out"


def _of_prices(mesh: Mesh, i: int, budget: Budget) -> Iterator[Mistake]:
    """Models that would cost nothing because nobody has said what they cost."""
    known = budget.only.model or tuple(mesh.models)
    unpriced = [
        name
        for name in known
        if (model := mesh.models.get(name)) is not None
        and "price_per_million" not in model.model_fields_set
        and "external" in model.zones()
        and priced_by_default(mesh.telemetry.currency, name, model) is None
    ]
    if unpriced:
        yield (
            ("budgets", i, "unit"),
            f"nobody says what {', '.join(f'`{name}`' for name in unpriced)} costs: give `price_per_million`, 0 where it is free",
        )
