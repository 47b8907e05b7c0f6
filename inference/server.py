"""The server: builds every part once, loads the model while /health says how far it is, and goes down with grace."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import uvicorn

from inference.api import Api
from inference.errors import InferenceError, ModelFileError, SettingsError
from inference.gguf import GgufHeader, read_header
from inference.memory import check_fits, context_of, need_of
from inference.metrics import Metrics
from inference.state import State
from inference.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inference.model import Model
    from inference.settings import Settings
    from inference.worker import Lane


class _Uvicorn(uvicorn.Server):
    """Uvicorn without its own signal handling: we drain before we close."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """One inference server, from its settings to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._state = State()
        self._metrics = Metrics(settings.slots)
        self._api = Api(settings, self._state, self._metrics)
        self._failure: BaseException | None = None
        self._model: Model | None = None

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises InferenceError if the model cannot be served."""
        header = read_header(self._settings.model)
        check_fits(header, self._settings)
        template = _read_template(self._settings)
        listener = _listen(self._settings)
        host, port = listener.getsockname()[:2]
        _say(f"listening on http://{host}:{port}, loading {self._settings.name}")
        uvloop_loop = _loop_factory()
        with asyncio.Runner(loop_factory=uvloop_loop) as runner:
            runner.run(self._serve(header, template, listener))
        if self._failure is not None:
            raise self._failure

    async def _serve(self, header: GgufHeader, template: str | None, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(
            self._api.app(),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=75,
        )
        server = _Uvicorn(config)
        worker = Worker(loop, self._metrics, self._settings.max_queue, self._settings.slots)

        def loaded(error: BaseException | None) -> None:
            if error is None:
                error = self._open(worker, header, template)
            if error is not None and self._state.phase == "loading":
                self._failure = (
                    error if isinstance(error, InferenceError) else ModelFileError(f"cannot load: {error!r}")
                )
                server.should_exit = True

        worker.start(lambda: self._load(header), loaded)
        stopping = asyncio.Event()

        def on_signal() -> None:
            if stopping.is_set():
                server.should_exit = True  # the second one does not wait
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal)
        drain = asyncio.create_task(self._drain(stopping, worker, server))
        await server.serve(sockets=[listener])
        drain.cancel()
        worker.stop()

    async def _drain(self, stopping: asyncio.Event, worker: Worker, server: uvicorn.Server) -> None:
        """After a signal: take no new work, let what speaks finish within the grace time, then close."""
        await stopping.wait()
        self._state.phase = "draining"
        _say(f"going down: {worker.active} requests may finish within {self._settings.grace_s:g} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(worker.drained(), self._settings.grace_s)
        worker.stop()
        server.should_exit = True

    def _load(self, header: GgufHeader) -> Sequence[Lane]:
        """On a computing thread: the model, and a context and scheduler for each lane."""
        from inference.model import Model  # noqa: PLC0415 - importing llama.cpp takes a moment; the port is open by now

        settings = self._settings

        def progress(share: float) -> bool:
            self._state.progress = share
            return self._state.phase == "loading"  # False gives up: a signal came while loading

        model = Model(settings, progress, ranks=header.ranks)
        _check_gpu(model, settings)
        self._model = model
        self._context_tokens = context_of(header, settings)
        lanes = 1 if header.embeds else settings.lanes_for(model.size_bytes)
        self._metrics.set_capacity(settings.slots, settings.slots * self._context_tokens, lanes)
        return [self._lane(header, model, number, lanes) for number in range(lanes)]

    def _lane(self, header: GgufHeader, model: Model, number: int, lanes: int) -> Lane:
        from inference.embedding import EmbeddingScheduler  # noqa: PLC0415
        from inference.engine import Engine  # noqa: PLC0415
        from inference.scheduler import Scheduler  # noqa: PLC0415

        settings, context_tokens = self._settings, self._context_tokens
        slots = len(range(number, settings.slots, lanes))
        engine = Engine(model, settings, context_tokens=context_tokens, slots=slots, embeds=header.embeds)
        engine.warm_up()
        if header.embeds:
            most = max(settings.batch_tokens, context_tokens)
            return EmbeddingScheduler(engine, self._metrics, slots=slots, batch_tokens=most)
        return Scheduler(
            engine,
            self._metrics,
            slots=slots,
            batch_tokens=settings.batch_tokens,
            stall_s=settings.prefill_stall_ms / 1e3,
            slot_cache_bytes=need_of(header, settings).cache // settings.slots,
            lane=number,
        )

    def _open(self, worker: Worker, header: GgufHeader, template: str | None) -> InferenceError | None:
        """On the event loop, when the model is loaded: from now on requests are taken."""
        from inference.service import Service  # noqa: PLC0415

        assert self._model is not None
        try:
            self._api.service = Service(
                self._model,
                worker,
                self._settings,
                context_tokens=self._context_tokens,
                template=template,
                embeds=header.embeds,
            )
        except InferenceError as error:
            return error
        self._api.props = self._props(self._model, header)
        self._api.fingerprint = "fp_" + hashlib.sha256(repr(sorted(self._api.props.items())).encode()).hexdigest()[:12]
        if self._state.phase == "loading":
            self._state.phase = "ready"
        _say(
            f"ready: {self._model.description}, {self._settings.slots} slots of {self._context_tokens} tokens, "
            f"{self._model.gpu_layers} layers on a GPU"
        )
        return None

    def _props(self, model: Model, header: GgufHeader) -> dict[str, Any]:
        settings = self._settings
        return {
            "model": settings.name,
            "model_file": settings.model.name,
            "architecture": header.architecture,
            "description": model.description,
            "parameters": model.parameters,
            "size_bytes": model.size_bytes,
            "quantization": header.quantization,
            "context_tokens": self._context_tokens,
            "trained_context_tokens": header.number("context_length"),
            "slots": settings.slots,
            "max_queue": settings.max_queue,
            "cache_type": settings.cache_type,
            "threads": settings.threads_for(model.size_bytes),
            "lanes": 1 if header.embeds else settings.lanes_for(model.size_bytes),
            "layers": model.layers,
            "gpu_layers": model.gpu_layers,
            "embedding": header.embeds and not header.ranks,
            "reranking": header.ranks,
            "chat_template": model.chat_template is not None,
        }


def _check_gpu(model: Model, settings: Settings) -> None:
    """The model is where it was meant to be, or the server does not start."""
    wanted = model.layers if settings.gpu_layers < 0 else min(settings.gpu_layers, model.layers)
    if model.gpu_layers < wanted:
        raise SettingsError(
            f"--gpu-layers {settings.gpu_layers}: {wanted} layers were to be on a GPU and {model.gpu_layers} are; "
            "is a GPU visible to this process, with enough free memory? (--gpu-layers 0 computes on the CPU)"
        )


def _read_template(settings: Settings) -> str | None:
    if settings.chat_template is None:
        return None
    try:
        return settings.chat_template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--chat-template {settings.chat_template}: cannot be read: {error}") from None


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        raise SettingsError(
            f"--host {settings.host} --port {settings.port}: cannot listen there: {error.strerror or error}"
        ) from None


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop


def _say(text: str) -> None:
    sys.stderr.write(f"inference: {text}\n")
    sys.stderr.flush()
