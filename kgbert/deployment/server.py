"""Serve a model over HTTP: JSON in and out, limits, metrics, and a page to try it."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

import kgbert
from kgbert.deployment.batching import Batcher
from kgbert.runtime.pipeline import RuntimePipeline
from kgbert.tasks.answers import examples_to_answer
from kgbert.utils.errors import KGBertError

T = TypeVar("T")

#: The page at ``/``; it loads nothing from other servers.
PAGE = Path(__file__).with_name("page.html")

#: The words of a text are explained up to this number, because each costs a pass of the model.
MOST_WORDS = 64

#: HTTP status of errors that are not the client's.
_STATUS = {"server-busy": 503, "time-out": 504}


@dataclass(frozen=True)
class ServerLimits:
    """What a request may ask for."""

    max_bytes: int = 1 << 20
    """Bytes of a request."""
    max_texts: int = 64
    """Texts of a request."""
    max_waiting: int = 1024
    """Texts of all clients that wait."""
    timeout: float = 30.0
    """Seconds until a request is given up."""
    batch_size: int = 32
    """Texts that are computed together."""


class Question(BaseModel):
    """Texts to answer: strings, or objects with the columns of a row as in a file."""

    texts: list[str | dict[str, Any]] = Field(min_length=1)


class Answers(BaseModel):
    """One prediction for each text, in the same order."""

    predictions: list[dict[str, Any]]
    lines: list[list[str]]
    """Each answer as ``kgbert predict`` writes it."""


def create_app(model: Any, limits: ServerLimits | None = None) -> FastAPI:
    """Return the application that serves a model.

    Args:
        model: A pipeline of :func:`kgbert.pipeline` or :func:`kgbert.runtime.load`.
        limits: What a request may ask for; the defaults if None.
    """
    limits = limits or ServerLimits()
    counts = Counter[str]()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.batcher = Batcher(
            model, batch_size=limits.batch_size, max_waiting=limits.max_waiting
        )
        app.state.batcher.start()
        yield
        await app.state.batcher.stop()

    app = FastAPI(title="kgbert", version=kgbert.__version__, lifespan=lifespan)
    app.add_middleware(BodyLimit, max_bytes=limits.max_bytes)

    @app.exception_handler(KGBertError)
    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, KGBertError)
        counts["errors"] += 1
        content = {"code": error.code, "message": str(error)}
        return JSONResponse(content, _STATUS.get(error.code, 422))

    @app.post("/predict")
    async def predict(question: Question) -> Answers:
        """Answer texts."""
        start = time.perf_counter()
        _check_size(question, limits)
        examples = examples_to_answer(model.task, question.texts)
        predictions = await _within(limits, app.state.batcher.answer(examples))
        _count(counts, len(examples), start)
        return Answers(
            predictions=[each.to_dict() for each in predictions],
            lines=[list(each.lines()) for each in predictions],
        )

    @app.post("/explain", response_class=HTMLResponse)
    async def explain(question: Question) -> str:
        """Return a page on which parts of one text and of the graph the answer depends."""
        _check_explainable(model, question)
        start = time.perf_counter()
        explained = partial(_explained, model, question)
        page: str = await _within(limits, app.state.batcher.compute(explained))
        _count(counts, 1, start)
        return page

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Return whether the model answers and explains, its task, and a row that it can answer."""
        return {
            "status": "ok",
            "task": model.task.name,
            "sample": dict(model.task.sample),
            "explains": _explains(model),
            "explained_words": MOST_WORDS,
        }

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        """Return counters in the format of Prometheus."""
        return _metrics(counts, app.state.batcher.waiting)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> str:
        return PAGE.read_text(encoding="utf-8")

    return app


async def _within(limits: ServerLimits, answer: Awaitable[T]) -> T:
    """Return an answer if it comes within the time limit."""
    try:
        return await asyncio.wait_for(answer, limits.timeout)
    except TimeoutError as error:
        raise KGBertError(
            f"no answer within {limits.timeout:g} s; send fewer or shorter texts.",
            code="time-out",
        ) from error


def _count(counts: Counter[str], texts: int, start: float) -> None:
    """Count a request that began at a time of the performance counter."""
    counts["requests"] += 1
    counts["texts"] += texts
    counts["microseconds"] += round(1e6 * (time.perf_counter() - start))


def _explains(model: Any) -> bool:
    """Return whether the answers of a model can be explained, which needs torch."""
    return not isinstance(model, RuntimePipeline)


def _check_explainable(model: Any, question: Question) -> None:
    if not _explains(model):
        raise KGBertError(
            "an exported model explains nothing; serve the model that it was exported from.",
            code="no-explanations",
        )
    if len(question.texts) > 1:
        raise KGBertError(
            f"the request has {len(question.texts):,} texts, and one is explained at a time.",
            code="too-many-texts",
        )


def _explained(model: Any, question: Question) -> str:
    # Imported here, because an exported model is served without torch.
    from kgbert.explanation.explain import explain
    from kgbert.explanation.html import render_explanations
    from kgbert.explanation.parts import KINDS, WORDS

    (example,) = examples_to_answer(model.task, question.texts)
    is_short = len(example.joined.split()) <= MOST_WORDS
    parts = [kind for kind in KINDS if is_short or kind != WORDS]
    return render_explanations(explain(model, [example], parts=parts))


def _check_size(question: Question, limits: ServerLimits) -> None:
    if len(question.texts) > limits.max_texts:
        raise KGBertError(
            f"the request has {len(question.texts):,} texts, and at most {limits.max_texts:,} are "
            "answered at a time; split it.",
            code="too-many-texts",
        )


def _metrics(counts: Counter[str], waiting: int) -> str:
    rows = {
        "kgbert_requests_total": ("counter", counts["requests"]),
        "kgbert_texts_total": ("counter", counts["texts"]),
        "kgbert_errors_total": ("counter", counts["errors"]),
        "kgbert_request_seconds_total": ("counter", counts["microseconds"] / 1e6),
        "kgbert_waiting_texts": ("gauge", waiting),
    }
    return "".join(
        f"# TYPE {name} {kind}\n{name} {value}\n" for name, (kind, value) in rows.items()
    )


#: The three callables of an ASGI application.
_Message = dict[str, Any]
_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Any], Awaitable[None]]


class BodyLimit:
    """An ASGI middleware that refuses a long body before it is parsed, with status 413."""

    def __init__(self, app: Any, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Any, receive: _Receive, send: _Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":  # the client has gone
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_bytes:
                content = {
                    "code": "request-too-large",
                    "message": f"the request is longer than {self.max_bytes:,} bytes; split it.",
                }
                await JSONResponse(content, 413)(scope, receive, send)
                return
        read = False

        async def replay() -> Any:
            nonlocal read
            if read:
                return await receive()
            read = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


def serve(
    model: Any, *, host: str = "127.0.0.1", port: int = 8000, limits: ServerLimits | None = None
) -> None:
    """Serve a model until the process receives a stop signal; requests in progress are finished.

    Args:
        model: A pipeline of :func:`kgbert.pipeline` or :func:`kgbert.runtime.load`.
        host: The address to listen on.
        port: The port.
        limits: What a request may ask for.
    """
    import uvicorn

    uvicorn.run(
        create_app(model, limits),
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=30,
    )
