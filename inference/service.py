"""A loaded model as the API sees it: prompts in, sequences of events out, nothing of HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from inference.chat import ChatTemplate
from inference.constraint.matcher import Compiler
from inference.constraint.request import grammar_of, is_formed
from inference.errors import ContextLengthError, InvalidRequestError
from inference.generation import Channel, Embedding, Generation, Gone, Piece
from inference.protocol import prompts_of
from inference.reranking import check_ranks, prompt_of
from inference.tools.offer import read_offer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from inference.chat import Prompt
    from inference.constraint.grammar import Grammar
    from inference.constraint.matcher import Constraint
    from inference.generation import Event, Task
    from inference.model import Model
    from inference.protocol import (
        ChatBody,
        CompletionBody,
        EmbeddingBody,
        InferBody,
        RerankBody,
        SampledBody,
        TokenizeBody,
    )
    from inference.sampling import SamplingParams
    from inference.settings import Settings
    from inference.tools.offer import Offer
    from inference.tools.parser import AnswerParser
    from inference.worker import Worker

T = TypeVar("T")
_LONG_TEXT = 32 * 1024
"""Longer prompts are tokenised off the event loop, which others are waiting for."""


class ClientGoneError(Exception):
    """The client closed the connection; nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request's sequences and the channel on which their events come."""

    tasks: Sequence[Task]
    channel: Channel
    prompts: int
    """How many different prompts; each has `len(tasks) / prompts` choices."""
    parser: Callable[[], AnswerParser] | None = None
    """Makes what reads one answer of a chat."""

    def new_parser(self) -> AnswerParser | None:
        """What reads one answer; None: its text is all there is to it."""
        return self.parser() if self.parser is not None else None


class Service:
    """Turns request bodies into jobs and runs them."""

    def __init__(
        self,
        model: Model,
        worker: Worker,
        settings: Settings,
        *,
        context_tokens: int,
        template: str | None,
        embeds: bool,
    ) -> None:
        self.model = model
        self._context_tokens = context_tokens
        self._worker = worker
        self._max_tokens = settings.max_tokens
        self._embeds = embeds
        self._template = ChatTemplate(model, template or model.chat_template)
        self._compiler = Compiler(model)

    async def chat(self, body: ChatBody) -> Job:
        """A chat request's sequences."""
        prompt, tools = await self.render(body)
        tokens = await _off_loop(len(prompt.text), lambda: self._template.tokens(prompt))
        answer = await _form(body)
        if body.grammar is not None and tools.choice == "required":
            raise InvalidRequestError(
                "grammar and a call that is required cannot both decide the answer", param="grammar"
            )
        grammar = None
        if answer is not None or tools.tools:
            limit = body.limit or self._max_tokens
            grammar = await asyncio.to_thread(self._template.grammar, prompt, tools, answer, limit)
        job = await self._job(
            body,
            [tokens],
            body.limit,
            body.alternatives,
            "messages",
            grammar=grammar,
            shown=self._template.marks,
        )
        split = body.reasoning_format != "none"
        return dataclasses.replace(job, parser=self._template.parser(prompt, tools, split_reasoning=split))

    async def render(self, body: ChatBody) -> tuple[Prompt, Offer]:
        """A chat's prompt, and what may be called in the answer to it."""
        tools = read_offer(body.tools, body.tool_choice, parallel=body.parallel_tool_calls)
        variables = dict(body.chat_template_kwargs or {})
        if body.reasoning_effort is not None:
            variables = self._effort(body.reasoning_effort) | variables
        if body.continue_final_message and not body.continues:
            raise InvalidRequestError(
                "only a last message of the assistant's, without calls, can be continued, and not beside "
                "add_generation_prompt",
                param="continue_final_message",
            )
        prompt = await _off_loop(
            _size(body.messages) + _size(tools.tools),
            lambda: self._template.prompt(body.messages, tools, variables, continues=body.continues),
        )
        return prompt, tools

    async def count(self, body: ChatBody) -> int:
        """How many tokens a chat's prompt has."""
        prompt, _ = await self.render(body)
        return len(await _off_loop(len(prompt.text), lambda: self._template.tokens(prompt)))

    def count_text(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self.model.tokenize(text, special=False, begin=False))

    def _effort(self, effort: str) -> dict[str, Any]:
        """`reasoning_effort` in the template's words."""
        if effort == "none" and self._template.takes("enable_thinking"):
            return {"enable_thinking": False}
        if self._template.takes("reasoning_effort"):
            return {"reasoning_effort": effort}
        if effort == "none":
            return {}
        raise InvalidRequestError("this model's chat template knows no reasoning effort", param="reasoning_effort")

    async def complete(self, body: CompletionBody) -> Job:
        """A plain completion's sequences."""
        texts = prompts_of(body.prompt)
        if not texts:
            raise InvalidRequestError("the list of prompts is empty", param="prompt")
        prompts = [await self._tokens(text, "prompt") for text in texts]
        return await self._job(body, prompts, body.limit, body.logprobs, "prompt", grammar=await _form(body))

    async def infer(self, body: InferBody) -> Job:
        """A plain service's prompt, answered as a chat of one message."""
        messages = [{"role": "user", "content": body.prompt}]
        prompt = await _off_loop(len(body.prompt), lambda: self._template.tokens(self._template.prompt(messages)))
        from inference.protocol import ChatBody  # noqa: PLC0415

        chat = ChatBody(messages=messages, temperature=body.temperature, seed=body.seed)
        return await self._job(chat, [prompt], body.max_tokens, None, "prompt")

    async def embed(self, body: EmbeddingBody) -> Job:
        """The texts of an embedding request."""
        if self.model.ranks:
            raise InvalidRequestError("this server's model ranks documents; it makes no embeddings", param="model")
        if not self._embeds:
            raise InvalidRequestError("this server's model generates text; it makes no embeddings", param="model")
        texts = prompts_of(body.input)
        if not texts or "" in texts or [] in texts:
            raise InvalidRequestError("there is nothing to embed, or an empty text", param="input")
        return self._read_all([await self._tokens(text, "input") for text in texts], "input")

    async def rerank(self, body: RerankBody) -> Job:
        """The pairs of a query and its documents."""
        check_ranks(self.model)
        prompts = await _off_loop(
            sum(map(len, body.texts)), lambda: [prompt_of(self.model, body.query, text) for text in body.texts]
        )
        return self._read_all(prompts, "documents")

    def _read_all(self, prompts: list[list[int]], param: str) -> Job:
        """A job that reads texts and generates nothing."""
        for tokens in prompts:
            if len(tokens) > self._context_tokens:
                raise ContextLengthError(len(tokens), self._context_tokens, param)
        channel = Channel()
        return Job([Embedding(tokens, channel, index) for index, tokens in enumerate(prompts)], channel, len(prompts))

    async def tokenize(self, body: TokenizeBody) -> list[int]:
        """The tokens of a text."""
        return await _off_loop(
            len(body.content),
            lambda: self.model.tokenize(body.content, special=body.parse_special, begin=body.add_special),
        )

    def detokenize(self, tokens: list[int]) -> str:
        """The text of tokens."""
        self._check_tokens(tokens, "tokens")
        return b"".join(self.model.piece(token, special=True) for token in tokens).decode(errors="replace")

    async def run(
        self, job: Job, receive: Callable[[], Awaitable[Any]]
    ) -> AsyncGenerator[list[tuple[int, Event]], None]:
        """Run a job: lists of (choice, event), until all choices have ended. Raises ClientGoneError.

        However this ends, no sequence of the job keeps its slot.
        """
        weight = self._worker.admit(len(job.tasks))
        later = deque(job.tasks)
        running: dict[int, Task] = {}
        watcher = asyncio.create_task(_watch(receive, job.channel))
        try:
            while later or running:
                # as many as there are slots: the rest of a long list lets other requests in between
                first = [later.popleft() for _ in range(min(len(later), self._worker.slots - len(running)))]
                if first:
                    running |= {task.index: task for task in first}
                    self._worker.submit(first)
                events = await job.channel.get()
                for index, event in events:
                    if isinstance(event, Gone):
                        raise ClientGoneError
                    if index in running and (not isinstance(event, Piece) or event.finish is not None):
                        del running[index]
                        self._worker.finished(1)
                yield events
        finally:
            watcher.cancel()
            self._worker.cancel(list(running.values()))
            self._worker.finished(len(running) + len(later))
            self._worker.dismiss(weight)

    async def _job(
        self,
        body: SampledBody,
        prompts: list[list[int]],
        limit: int | None,
        logprobs: int | None,
        param: str,
        *,
        grammar: Grammar | None = None,
        shown: frozenset[int] = frozenset(),
    ) -> Job:
        """Sequences for prompts; `grammar` is what the answers must be."""
        if self._embeds:
            what = "ranks documents" if self.model.ranks else "makes embeddings"
            raise InvalidRequestError(f"this server's model {what}; it generates no text", param="model")
        if any(not 0 <= token < self.model.vocabulary_size for token in body.logit_bias or ()):
            raise InvalidRequestError(
                f"a token is beyond the vocabulary of {self.model.vocabulary_size}", param="logit_bias"
            )
        constraint = await self._constraint(grammar)
        channel = Channel()
        choices = body.n or 1
        generations = []
        for number, prompt in enumerate(prompts):
            self._check_length(prompt, param)
            room = self._context_tokens - len(prompt)
            for choice in range(choices):
                params: SamplingParams = body.sampling(choice, constraint, logprobs, self.model.end_tokens)
                generations.append(
                    Generation(
                        prompt=prompt,
                        params=params,
                        max_tokens=min(self._max_tokens if limit is None else limit, room),
                        stops=body.stops,
                        stream=body.stream,
                        channel=channel,
                        index=number * choices + choice,
                        shown=shown,
                    )
                )
        return Job(generations, channel, len(prompts))

    async def _constraint(self, grammar: Grammar | None) -> Constraint | None:
        """Compile what the answer must be, off the event loop."""
        return None if grammar is None else await asyncio.to_thread(self._compiler.compile, grammar)

    def _check_length(self, prompt: Sequence[int], param: str) -> None:
        if not prompt:
            raise InvalidRequestError("the prompt is empty", param=param)
        if len(prompt) >= self._context_tokens:
            raise ContextLengthError(len(prompt), self._context_tokens, param)

    def _check_tokens(self, tokens: list[int], param: str) -> None:
        if any(token >= self.model.vocabulary_size for token in tokens):
            raise InvalidRequestError(
                f"{param}: a token is beyond the vocabulary of {self.model.vocabulary_size}", param=param
            )

    async def _tokens(self, text: str | list[int], param: str) -> list[int]:
        if isinstance(text, list):
            self._check_tokens(text, param)
            return text
        return await _off_loop(len(text), lambda: self.model.tokenize(text, special=False, begin=True))


async def _form(body: SampledBody) -> Grammar | None:
    """Read what form the answer is to have; a large schema takes a while."""
    return await asyncio.to_thread(grammar_of, body) if is_formed(body) else None


def _size(values: Sequence[Mapping[str, Any]]) -> int:
    """About how much there is to render."""
    return sum(64 + len(str(value)) for value in values)


async def _off_loop(size: int, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work) if size > _LONG_TEXT else work()


async def _watch(receive: Callable[[], Awaitable[Any]], channel: Channel) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    channel.put(-1, Gone())
