"""Messages to tokens, by the chat template that the GGUF carries, and how the answer to them is to be read."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.errors import InvalidRequestError
from inference.prompt.abilities import IN_SYSTEM, abilities_of, offer, with_tools
from inference.prompt.control import END, Guard, unmarked
from inference.prompt.conversation import arrange
from inference.prompt.template import CHATML, RefusalError, Template
from inference.tools.families import family_of
from inference.tools.grammar import answer_grammar
from inference.tools.lark import Rules
from inference.tools.offer import NOTHING
from inference.tools.parser import THINKING, AnswerParser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inference.constraint.grammar import Grammar
    from inference.model import Model
    from inference.tools.offer import Offer

_OURS = frozenset({"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"})


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt."""

    text: str
    """With the guard's marks."""
    thinking: str | None
    """The tag of thought that it ends with, if it does."""

    @property
    def shown(self) -> str:
        """As it reads."""
        return unmarked(self.text)


class ChatTemplate:
    """A compiled template with the tokenizer it belongs to."""

    def __init__(self, model: Model, source: str | None) -> None:
        constants = {"bos_token": model.token_text("bos"), "eos_token": model.token_text("eos")}
        self._template = Template(source or CHATML, constants)
        self._abilities = abilities_of(self._template)
        self._guard = Guard(model)
        self.family = family_of(self._template.source)
        """How this model writes calls."""
        self._tokens = model.marker_tokens({*self.family.marks, *THINKING, *THINKING.values()})
        self.marks = frozenset(self._tokens.values()) & model.control_tokens.keys()
        """Control tokens whose text must be seen to read an answer."""

    def prompt(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Offer = NOTHING,
        variables: Mapping[str, Any] | None = None,
        *,
        continues: bool = False,
    ) -> Prompt:
        """Render checked messages (`prompt.messages`), up to where the assistant speaks or, if it `continues`, goes on."""
        abilities = self._abilities
        marked = [self._guard.mark(message) for message in messages]
        if continues:
            marked[-1]["content"] += END
        offered = self._guard.mark(list(tools.tools))
        taken = offer(abilities.tools, offered) if offered else {}
        in_system = abilities.tools == IN_SYSTEM and bool(offered)
        arranged = arrange(marked, [] if taken or in_system else offered, abilities, self.family.write)
        if in_system:
            arranged = with_tools(arranged, offered)
        given = {**abilities.no_tools, **taken, "enable_thinking": True, **self._variables(variables or {})}
        try:
            text = self._template.render(arranged, add_generation_prompt=not continues, **given)
        except RefusalError as refusal:
            raise InvalidRequestError(
                f"the model's chat template does not take these messages: {refusal}", param="messages"
            ) from None
        if continues:
            text, found, _ = text.rpartition(END)
            if not found:
                raise InvalidRequestError(
                    "the model's chat template has no place for an answer that is to be continued", param="messages"
                )
        tail = text.rstrip()
        return Prompt(text, next((tag for tag in THINKING if tail.endswith(tag)), None))

    def tokens(self, prompt: Prompt) -> list[int]:
        """Tokens of a prompt; what clients wrote is text in them."""
        return self._guard.tokenize(prompt.text)

    def parser(self, prompt: Prompt, tools: Offer, *, split_reasoning: bool) -> Callable[[], AnswerParser]:
        """What makes parsers for the answers to a prompt."""
        return functools.partial(
            AnswerParser,
            self.family,
            tools.schemas,
            calls=bool(tools.tools),
            single=not tools.parallel,
            thinking=prompt.thinking,
            split_reasoning=split_reasoning,
        )

    def grammar(self, prompt: Prompt, tools: Offer, answer: Grammar | None, limit: int) -> Grammar | None:
        """What the answer to a prompt must be, where a call is asked for or its text is held to a form."""
        rules = Rules(self._template.source, self._tokens)
        return answer_grammar(self.family, rules, tools, prompt.thinking, answer, limit)

    def takes(self, variable: str) -> bool:
        """Whether the template asks for a variable."""
        return variable in self._template.variables

    def _variables(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Variables of a client's; ours are not among them."""
        if any(name in _OURS for name in variables):
            raise InvalidRequestError(
                f"the server itself sets {', '.join(sorted(_OURS))}", param="chat_template_kwargs"
            )
        return {name: self._guard.mark(value) for name, value in variables.items()}
