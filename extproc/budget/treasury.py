"""All budgets of a mesh at work: asked before a request goes on, told when it has ended, shown to operators."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from extproc.budget.amounts import shown
from extproc.budget.book import ACCOUNTS, Account, Book, Crossed, Want, key_of, names_in
from extproc.budget.calendar import Calendar
from extproc.budget.habits import Habits
from extproc.budget.hold import Hold, Part, affordable
from extproc.budget.leases import Leasing
from extproc.budget.overview import Overview
from extproc.budget.pages import Memory, SharedFile
from extproc.budget.refusal import refusal
from extproc.budget.rules import Rule
from extproc.budget.upkeep import Upkeep
from extproc.config.api import api_at
from extproc.config.models import within
from extproc.config.prices import FREE, Consumption, rates
from extproc.decision import NOTHING, Ruling, Unenforced, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extproc.budget.overview import Line
    from extproc.budget.pages import Pages
    from extproc.config import Mesh
    from extproc.decision import Facts
    from extproc.decision.facts import Learned

STEP: Final = "budget"
READ_ONLY: Final = ("/count_tokens", "/input_tokens", "/moderations", "/rerank")
"""Endings of paths on which a model reads and writes nothing."""


class Treasury:
    """Of one `mesh.yaml`. Accounts and habits go on when it is reloaded."""

    def __init__(self, mesh: Mesh, book: Book, habits: Habits) -> None:
        self.book = book
        self.habits = habits
        self.rules = tuple(Rule(budget, mesh.budget_state.store) for budget in mesh.budgets)
        self.steers = any(rule.reroute for rule in self.rules)
        self.state = mesh.budget_state
        self.leasing = Leasing(book, self.state.store, self._limit_of) if self.state.store else None
        self._rates = rates(mesh.telemetry.currency, mesh.models)
        self._zones = {name: model.zones() for name, model in mesh.models.items()}
        self._context = {
            name: model.context_tokens
            for name, model in mesh.models.items()
            if "context_tokens" in model.model_fields_set
        }
        self._currency = mesh.telemetry.currency
        self._calendar = Calendar(self.state.timezone)
        self.place = place_of(mesh)
        self._overview = Overview(self.rules, tuple(mesh.models), self._currency)
        self._upkeep: Upkeep | None = None
        self._rehearses = False

    @classmethod
    def of(cls, mesh: Mesh, previous: Treasury | None = None) -> Treasury | None:
        """That of a mesh which has budgets. `previous`: whose accounts it goes on with, where they lie in the same place."""
        if not mesh.budgets:
            return None
        state, place = mesh.budget_state, place_of(mesh)
        if previous is not None and previous.place == place:
            previous.habits.unknown = state.output_tokens
            return cls(mesh, previous.book, previous.habits)
        pages: Pages = SharedFile(place) if place else Memory()
        return cls(mesh, Book(pages), Habits(state.output_tokens))

    def rehearse(self) -> None:
        """From here on only try: by accounts of its own, in which every request finds what the first one did."""
        self.book, self.leasing = Book(Memory()), None
        self._rehearses = True

    # Requests

    def balance(self, facts: Facts) -> dict[str, float]:
        """Budget -> what is left of it for this caller, before anything is known of the model."""
        now = time.time()
        concerned = [
            (rule, self._want(rule, rule.account(facts.caller, ""), now, 0))
            for rule in self.rules
            if rule.by != "model" and rule.concerns(facts.caller, None)
        ]
        left = self.book.left([want for _, want in concerned])
        return {rule.name: shown(rule.unit, amount) for (rule, _), amount in zip(concerned, left, strict=True)}

    def steer(self, facts: Facts) -> Verdict | None:
        """The cheaper model that gets a request which would cross a soft budget; None: it stays where it is."""
        now, model = time.time(), facts.destination
        estimate, rate = self._estimate(facts, model), self._rates.get(model, FREE)
        concerned = [
            rule
            for rule in self.rules
            if rule.reroute and rule.concerns(facts.caller, model) and self._may_go(facts, rule.reroute)
        ]
        wants = [
            self._want(rule, rule.account(facts.caller, model), now, rule.cost(estimate, rate)) for rule in concerned
        ]
        for rule, want, left in zip(concerned, wants, self.book.left(wants), strict=True):
            if want.amount > left and rule.reroute and rule.reroute != model:
                return Verdict(STEP, "reroute", rule.name, to=rule.reroute)
        return None

    def reserve(self, facts: Facts) -> Ruling:
        """Set aside what a request may take; or refuse it where that is not left."""
        now, others = time.time(), facts.fallback
        while True:
            parts, wants = self._parts(facts, others, now) if others else self._part(facts, now)
            if not wants:
                return Ruling(learned={"fallback": others}) if others != facts.fallback else NOTHING
            leasing = self.leasing
            result = self.book.reserve(
                wants,
                now + self.state.timeout_s,
                away=leasing is not None and leasing.away(now),
                open_=leasing is not None and leasing.open,
            )
            if not isinstance(result, Crossed):
                break
            part = parts[result.at]
            rest = affordable(part, result, facts.destination, others)
            if rest is None:
                error = refusal(part.rule, wants[result.at], result, now, self._currency)
                return Ruling((Verdict(STEP, "block", part.rule.name),), error=error)
            others = rest
        hold = Hold(self, result.id, parts, facts.answers)
        if self._rehearses:
            hold.release()
        # the chosen model's own accounts stand first, and last in here
        by_model = reversed(list(zip(parts, result.left, strict=True)))
        left = {part.rule.name: shown(part.rule.unit, amount) for part, amount in by_model}
        learned: Learned = {"budget_left": {**facts.budget_left, **left}}
        if others != facts.fallback:
            learned["fallback"] = others
        return Ruling(
            tuple(Verdict(STEP, "flag", parts[at].rule.name) for at in result.crossed),
            unenforced=tuple(Unenforced(STEP, parts[at].rule.name, "store_away") for at in result.unbacked),
            learned=learned,
            reservation=hold,
        )

    def _part(self, facts: Facts, now: float) -> tuple[list[Part], list[Want]]:
        """What is to be set aside for the one model that may answer."""
        model = facts.destination
        concerned = [rule for rule in self.rules if rule.concerns(facts.caller, model)]
        estimate, rate = self._estimate(facts, model), self._rates.get(model, FREE)
        wants = [
            self._want(rule, rule.account(facts.caller, model), now, rule.cost(estimate, rate), binding=rule.hard)
            for rule in concerned
        ]
        return [Part(rule) for rule in concerned], wants

    def _parts(self, facts: Facts, others: Sequence[str], now: float) -> tuple[list[Part], list[Want]]:
        """Likewise where one of several will: of each account as much as the dearest of them may take."""
        accounts: dict[tuple[str, str], tuple[Rule, dict[str, int]]] = {}
        for model in (facts.destination, *others):
            estimate, rate = self._estimate(facts, model), self._rates.get(model, FREE)
            for rule in self.rules:
                if rule.concerns(facts.caller, model):
                    account = rule.account(facts.caller, model)
                    accounts.setdefault((rule.name, account), (rule, {}))[1][model] = rule.cost(estimate, rate)
        wants = [
            self._want(rule, account, now, max(amounts.values()), binding=rule.hard)
            for (_, account), (rule, amounts) in accounts.items()
        ]
        return [Part(rule, amounts) for rule, amounts in accounts.values()], wants

    def settle(self, hold: Hold, model: str, used: Consumption | None) -> None:
        """A request has ended."""
        if used is not None and used.output:
            self.habits.learn(model, -(-used.output // hold.answers))
        self.book.settle(hold.number, hold.costs(model, used, self._rates.get(model, FREE)))

    def _estimate(self, facts: Facts, model: str) -> Consumption:
        if not _writes(facts.method, facts.path):
            return Consumption(max(1, facts.tokens))
        limit = facts.output_limit
        output = self.habits.expect(model) if limit is None else limit
        context = self._context.get(model)
        if context is not None:
            output = min(output, context)
        return Consumption(max(1, facts.tokens), output * facts.answers)

    def _want(self, rule: Rule, account: str, now: float, amount: int, *, binding: bool = False) -> Want:
        start, end = self._calendar.window(rule.window, now)
        key, limit, lease = rule.terms(account)
        return Want(key, start, end, amount, limit, binding, lease)

    def _may_go(self, facts: Facts, model: str) -> bool:
        """Whether a model has an endpoint as near as the request has to stay."""
        bounds = [verdict.to for verdict in facts.enforced() if verdict.action == "confine"]
        return all(within(self._zones[model][0], bound) for bound in bounds)  # type: ignore[arg-type]

    # Operators

    def lines(self) -> Iterator[Line]:
        """Every account in a window that is not over."""
        return self._overview.lines(self.book)

    def labels(self, rule: Rule) -> Iterator[tuple[str, float]]:
        """The accounts of a budget that a metric tells apart, and what each may spend."""
        return self._overview.labels(rule)

    def show(self) -> dict[str, Any]:
        """For `intentmesh budget show`."""
        return self._overview.show(self.book, self.leasing)

    def reset(self, budget: str, account: str | None = None) -> int | None:
        """Begin accounts anew: how many there were; None: there is no such budget."""
        rule = next((rule for rule in self.rules if rule.name == budget), None)
        if rule is None:
            return None
        if account is None:
            keys = [key for key, _ in self.book.accounts(ACCOUNTS + f"{budget}\0".encode())]
        else:
            keys = [key_of(budget, account)]
        start, end = self._calendar.window(rule.window, now := time.time())
        # of an account that only other pods know, this one has to tell the store
        return self.book.reset(keys, Account(start, end, resets=int(now * 1000)) if self.leasing else None)

    def _limit_of(self, key: bytes) -> tuple[int, int] | None:
        """Limit and lease of the account under a key; None: its budget is no more."""
        budget, account = names_in(key)
        rule = next((rule for rule in self.rules if rule.name == budget), None)
        if rule is None:
            return None
        limit = rule.limit(account)
        return limit, rule.lease(limit)

    # What is done beside requests

    def start(self) -> None:
        """Begin to look after the accounts, in the loop that runs. Raises ConfigError where they cannot be kept."""
        self._upkeep = Upkeep(self.book, self.leasing)

    async def stop(self, *, for_good: bool) -> None:
        """End that. `for_good`: the process ends, and what it has taken from a store and not spent goes back."""
        if self._upkeep is not None:
            await self._upkeep.stop()
        if self.leasing:
            await self.leasing.close(give_back=for_good)
        if for_good:
            self.book.pages.close()


@lru_cache(maxsize=4096)
def _writes(method: str, path: str) -> bool:
    """Whether a model writes tokens for such a request."""
    if method in ("GET", "HEAD", "OPTIONS", "DELETE"):
        return False
    api = api_at(path)
    return api is None or (api.operation != "embeddings" and not path.rstrip("/").endswith(READ_ONLY))


def place_of(mesh: Mesh) -> Path | None:
    """The file in which workers share accounts; None: there is one process, and nothing is to outlast it."""
    processor = mesh.processor
    if mesh.budget_state.path is not None:
        return mesh.budget_state.path
    if processor.workers > 1 and not processor.address:
        return Path(processor.socket).with_suffix(".budgets")
    return None
