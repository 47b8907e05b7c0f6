"""The OpenAI-compatible HTTP API: paths, statuses and bodies. What is computed is `service`'s."""

from __future__ import annotations

import contextlib
import functools
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from inference import answers, fields
from inference.body import read_json
from inference.chunks import OpenAiAnswer
from inference.encoding import SUPPORTED
from inference.errors import (
    InferenceError,
    MethodNotAllowedError,
    NotFoundError,
    UnauthorizedError,
    UnsupportedEncodingError,
)
from inference.generation import Failure, Piece, Vector
from inference.keys import ApiKeys
from inference.messages.answer import MessagesAnswer
from inference.messages.answer import error_body as messages_error
from inference.messages.request import CountBody, MessagesBody, read_messages
from inference.messages.request import chat_of as messages_chat
from inference.protocol import (
    ChatBody,
    CompletionBody,
    DetokenizeBody,
    EmbeddingBody,
    InferBody,
    RerankBody,
    TokenizeBody,
    read_body,
)
from inference.requests_log import Exchange
from inference.reranking import ranking
from inference.responses.answer import ResponsesAnswer
from inference.responses.request import chat_of as responses_chat
from inference.responses.request import read_responses
from inference.service import ClientGoneError
from inference.streaming import EventStream, WholeAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from inference.metrics import Metrics
    from inference.service import Job, Service
    from inference.settings import Settings
    from inference.state import State
    from inference.streaming import Answer

_CLIENT_CLOSED = 499


class Api:
    """The endpoints. `service` is set when the model is loaded."""

    def __init__(self, settings: Settings, state: State, metrics: Metrics) -> None:
        self._keys = ApiKeys(settings.api_key_file)
        self.service: Service | None = None
        self.props: dict[str, Any] = {}
        self.fingerprint = ""
        self._settings = settings
        self._state = state
        self._metrics = metrics
        self._created = int(time.time())

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/health", self._health),
            Route("/metrics", self._render_metrics),
            Route("/props", self._recorded(self._props)),
            Route("/v1/models", self._recorded(self._models)),
            Route("/v1/models/{model:path}", self._recorded(self._model)),
            Route("/v1/chat/completions", self._recorded(self._chat), methods=["POST"]),
            Route("/v1/completions", self._recorded(self._completions), methods=["POST"]),
            Route("/v1/embeddings", self._recorded(self._embeddings), methods=["POST"]),
            Route("/v1/rerank", self._recorded(self._rerank), methods=["POST"]),
            Route("/rerank", self._recorded(self._rerank), methods=["POST"]),
            Route("/tokenize", self._recorded(self._tokenize), methods=["POST"]),
            Route("/detokenize", self._recorded(self._detokenize), methods=["POST"]),
            Route("/v1/infer", self._recorded(self._infer), methods=["POST"]),
            Route("/v1/responses", self._recorded(self._responses), methods=["POST"]),
            Route("/v1/messages", self._recorded(self._messages), methods=["POST"]),
            Route("/v1/messages/count_tokens", self._recorded(self._count_tokens), methods=["POST"]),
            Route("/apply-template", self._recorded(self._apply_template), methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: _http_error})  # type: ignore[dict-item]

    async def _health(self, _: Request) -> Response:
        status, body = self._state.health()
        return JSONResponse(body, status)

    async def _render_metrics(self, _: Request) -> Response:
        return Response(self._metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _props(self, _: Request, __: Exchange) -> Response:
        self._state.check_ready()
        return JSONResponse(self.props)

    async def _models(self, _: Request, __: Exchange) -> Response:
        return JSONResponse({"object": "list", "data": [self._model_body()]})

    async def _model(self, request: Request, _: Exchange) -> Response:
        if request.path_params["model"] != self._settings.name:
            raise NotFoundError(f"there is no such model here; this server has {self._settings.name}", param="model")
        return JSONResponse(self._model_body())

    def _model_body(self) -> dict[str, Any]:
        return {"id": self._settings.name, "object": "model", "created": self._created, "owned_by": "intentmesh"}

    async def _chat(self, request: Request, exchange: Exchange) -> Response:
        body = read_body(ChatBody, await self._json(request, fields.CHAT))
        job = await self._ready().chat(body)
        answer = OpenAiAnswer(job, self._shape(body, chat=True))
        return await self._answer(request, exchange, job, answer, stream=body.stream)

    async def _completions(self, request: Request, exchange: Exchange) -> Response:
        body = read_body(CompletionBody, await self._json(request, fields.COMPLETION))
        job = await self._ready().complete(body)
        answer = OpenAiAnswer(job, self._shape(body, chat=False))
        return await self._answer(request, exchange, job, answer, stream=body.stream)

    async def _messages(self, request: Request, exchange: Exchange) -> Response:
        body = read_messages(MessagesBody, await self._json(request))
        job = await self._ready().chat(messages_chat(body))
        answer = MessagesAnswer(self._settings.name, job)
        return await self._answer(request, exchange, job, answer, stream=body.stream is True)

    async def _count_tokens(self, request: Request, _: Exchange) -> Response:
        body = read_messages(CountBody, await self._json(request))
        return JSONResponse({"input_tokens": await self._ready().count(messages_chat(body))})

    async def _responses(self, request: Request, exchange: Exchange) -> Response:
        body = read_responses(await self._json(request))
        service = self._ready()
        job = await service.chat(responses_chat(body))
        answer = ResponsesAnswer(self._settings.name, job, body, service.count_text)
        return await self._answer(request, exchange, job, answer, stream=body.stream is True)

    async def _apply_template(self, request: Request, _: Exchange) -> Response:
        body = read_body(ChatBody, await self._json(request))
        prompt, _tools = await self._ready().render(body)
        return JSONResponse({"prompt": prompt.shown})

    async def _infer(self, request: Request, exchange: Exchange) -> Response:
        body = read_body(InferBody, await self._json(request))
        job = await self._ready().infer(body)
        pieces = (await self._collect(request, exchange, job))[0]
        text = "".join(piece.text for piece in pieces)
        usage = answers.usage_body([u for piece in pieces if (u := piece.usage)], 1)
        answer = {"text": text, "model": self._settings.name, "finish_reason": pieces[-1].finish, "usage": usage}
        return JSONResponse(answer)

    async def _embeddings(self, request: Request, exchange: Exchange) -> Response:
        body = read_body(EmbeddingBody, await self._json(request, fields.EMBEDDING))
        vectors = await self._vectors(request, exchange, await self._ready().embed(body))
        data = [answers.embedding(index, vector, body) for index, vector in enumerate(vectors)]
        return JSONResponse(answers.embeddings(self._settings.name, data, vectors))

    async def _rerank(self, request: Request, exchange: Exchange) -> Response:
        body = read_body(RerankBody, await self._json(request, fields.RERANK))
        vectors = await self._vectors(request, exchange, await self._ready().rerank(body))
        return JSONResponse(ranking(self._settings.name, body, vectors))

    async def _tokenize(self, request: Request, _: Exchange) -> Response:
        body = read_body(TokenizeBody, await self._json(request))
        tokens = await self._ready().tokenize(body)
        if not body.with_pieces:
            return JSONResponse({"tokens": tokens})
        piece = functools.partial(self._ready().model.piece, special=True)
        return JSONResponse({"tokens": [answers.token_piece(token, piece(token)) for token in tokens]})

    async def _detokenize(self, request: Request, _: Exchange) -> Response:
        body = read_body(DetokenizeBody, await self._json(request))
        return JSONResponse({"content": self._ready().detokenize(body.tokens)})

    async def _vectors(self, request: Request, exchange: Exchange, job: Job) -> list[Vector]:
        """Wait for the vectors of all texts; the first failure fails the request."""
        vectors: dict[int, Vector] = {}
        async with contextlib.aclosing(self._ready().run(job, request.receive)) as steps:
            async for events in steps:
                for index, event in events:
                    if isinstance(event, Failure):
                        raise event.error
                    if isinstance(event, Vector):
                        vectors[index] = event
        exchange.note_embedding(sum(vector.tokens for vector in vectors.values()))
        return [vectors[index] for index in range(len(job.tasks))]

    async def _answer(
        self, request: Request, exchange: Exchange, job: Job, answer: Answer, *, stream: bool
    ) -> Response:
        if stream:
            events = self._ready().run(job, request.receive)
            try:
                return EventStream(await anext(events), events, answer, exchange)
            except BaseException:
                await events.aclose()
                raise
        return WholeAnswer(answer.whole(await self._collect(request, exchange, job)))

    async def _collect(self, request: Request, exchange: Exchange, job: Job) -> list[list[Piece]]:
        """Wait for all choices to end; the first failure fails the request."""
        by_choice: list[list[Piece]] = [[] for _ in job.tasks]
        async with contextlib.aclosing(self._ready().run(job, request.receive)) as steps:
            async for events in steps:
                for index, event in events:
                    if isinstance(event, Failure):
                        raise event.error
                    if isinstance(event, Piece):
                        by_choice[index].append(event)
                        exchange.note(event)
        return by_choice

    def _shape(self, body: ChatBody | CompletionBody, *, chat: bool) -> answers.Shape:
        return answers.Shape(
            chat=chat,
            model=self._settings.name,
            fingerprint=self.fingerprint,
            piece_text=functools.partial(self._ready().model.piece, special=True),
            include_usage=body.include_usage,
        )

    def _ready(self) -> Service:
        self._state.check_ready()
        assert self.service is not None
        return self.service

    async def _json(self, request: Request, known: Mapping[str, tuple[Any, ...]] = MappingProxyType({})) -> object:
        """The body of a request, unless it asks for what is known and not held."""
        self._state.check_ready()
        value = await read_json(request, self._settings.max_body_bytes)
        fields.refuse(value, known)
        return value

    def _recorded(
        self, endpoint: Callable[[Request, Exchange], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Wrap an endpoint: errors become answers, and the exchange is counted and logged when it ends."""

        async def handle(request: Request) -> Response:
            exchange = Exchange(request.url.path, self._metrics, log=self._settings.log_requests)
            try:
                self._keys.check(request.headers)
                response = await endpoint(request, exchange)
            except ClientGoneError:
                response = Response(status_code=_CLIENT_CLOSED)
            except InferenceError as error:
                response = error_response(error, request.url.path)
            except Exception as error:  # noqa: BLE001 - never a stack trace to a client, never text to a log
                response = error_response(InferenceError(f"internal error ({type(error).__name__})"), request.url.path)
            if not isinstance(response, EventStream):
                exchange.end(response.status_code)
            return response

        return handle


def error_response(error: InferenceError, path: str = "") -> Response:
    """An error as an answer, in the shape of the API that was asked."""
    headers = {"retry-after": str(error.retry_after_s)} if error.retry_after_s is not None else {}
    if isinstance(error, UnauthorizedError):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, UnsupportedEncodingError):
        headers["accept-encoding"] = ", ".join(SUPPORTED)
    body = messages_error(error) if path.startswith("/v1/messages") else answers.error_body(error)
    return JSONResponse(body, error.status, headers)


async def _http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another")
        mistake = MethodNotAllowedError(f"{request.url.path} takes {allowed}, not {request.method}")
        return error_response(mistake, request.url.path)
    return error_response(NotFoundError("there is no such path here; see /v1/models, /v1/chat/completions"))
