import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from kgbert.data import Example
from kgbert.deployment import server
from kgbert.deployment.batching import Batcher
from kgbert.deployment.server import MOST_WORDS, BodyLimit, ServerLimits, create_app
from kgbert.runtime.pipeline import RuntimePipeline
from kgbert.tasks.base import ReadEntity, ReadMention
from kgbert.tasks.registry import TASKS
from kgbert.tasks.whole_texts.labels import LabelPrediction
from kgbert.utils.errors import DataError


class InventedModel:
    """Answers with the length of a text; records the sizes of the batches."""

    def __init__(self):
        self.task, self.batches = TASKS["text-classification"], []
        self.is_free = threading.Event()
        self.is_free.set()

    def __call__(self, examples, *, batch_size):
        self.is_free.wait(10)
        self.batches.append(len(examples))
        if any(example.text == "bad" for example in examples):
            raise DataError("this text cannot be answered.", code="bad-text")
        mention = ReadMention(0, 1, "f", (ReadEntity("EX:1", "fever", 1.0, 0.5),), 0.5)
        return [
            LabelPrediction(x.text, str(len(x.text)), 1.0, mentions=(mention,)) for x in examples
        ]


@dataclass
class Served:
    client: TestClient
    model: InventedModel

    def ask(self, *texts):
        return self.client.post("/predict", json={"texts": list(texts)})


@pytest.fixture
def serve():
    clients = []

    def start(**limits):
        model = InventedModel()
        client = TestClient(create_app(model, ServerLimits(**limits)))
        client.__enter__()
        clients.append(client)
        return Served(client, model)

    yield start
    for client in clients:
        client.__exit__(None, None, None)


def test_texts_and_rows_are_answered_in_order(serve):
    response = serve().ask("a", {"text": "bbb"}, "cc")

    predictions = response.json()["predictions"]
    assert response.status_code == 200
    assert response.json()["lines"] == [
        ["label 1  (100%)"],
        ["label 3  (100%)"],
        ["label 2  (100%)"],
    ]
    assert [x["label"] for x in predictions] == ["1", "3", "2"]
    assert predictions[0]["mentions"][0]["candidates"][0]["entity"] == "EX:1"


def test_concurrent_requests_share_batches_and_get_their_own_answers(serve):
    served = serve(batch_size=8)
    served.model.is_free.clear()
    with ThreadPoolExecutor(16) as threads:
        waiting = [threads.submit(served.ask, "x" * length) for length in range(1, 17)]
        while "kgbert_waiting_texts 16" not in served.client.get("/metrics").text:
            pass
        served.model.is_free.set()
        answers = [each.result().json()["predictions"][0]["label"] for each in waiting]

    assert answers == [str(length) for length in range(1, 17)]
    assert max(served.model.batches) == 8


def test_a_bad_text_fails_alone(serve):
    served = serve()
    served.model.is_free.clear()
    with ThreadPoolExecutor(2) as threads:
        bad, good = threads.submit(served.ask, "bad"), threads.submit(served.ask, "good")
        while "kgbert_waiting_texts 2" not in served.client.get("/metrics").text:
            pass
        served.model.is_free.set()

        assert bad.result().status_code == 422
        assert bad.result().json()["code"] == "bad-text"
        assert good.result().status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"texts": []}',
        b'{"texts": "a"}',
        b'{"texts": [1]}',
        b'{"texts": [null]}',
        b'{"texts": [{"label": "no text"}]}',
        b"[" * 50_000,
    ],
)
def test_malformed_requests_are_refused_and_the_next_is_answered(serve, body):
    served = serve()

    response = served.client.post(
        "/predict", content=body, headers={"Content-Type": "application/json"}
    )

    assert 400 <= response.status_code < 500
    assert served.ask("a").status_code == 200


def test_huge_requests_are_refused_before_they_are_read(serve):
    served = serve(max_bytes=1_000)

    assert served.ask("x" * 10_000).status_code == 413
    assert served.ask("x" * 100).status_code == 200
    assert served.model.batches == [1]


def test_too_many_texts_are_refused(serve):
    response = serve(max_texts=2).ask("a", "b", "c")

    assert (response.status_code, response.json()["code"]) == (422, "too-many-texts")


def test_a_full_queue_is_refused(serve):
    response = serve(max_waiting=1).ask("a", "b")

    assert (response.status_code, response.json()["code"]) == (503, "server-busy")


def test_a_slow_answer_is_given_up(serve):
    served = serve(timeout=0.05)
    served.model.is_free.clear()

    response = served.ask("a")

    served.model.is_free.set()
    assert (response.status_code, response.json()["code"]) == (504, "time-out")
    assert "kgbert_waiting_texts 0" in served.client.get("/metrics").text


def test_health_metrics_interface_and_page(serve):
    served = serve()
    served.ask("a", "b")

    health = served.client.get("/health").json()
    assert health == {
        "status": "ok",
        "task": "text-classification",
        "sample": {"text": "a text"},
        "explains": True,
        "explained_words": MOST_WORDS,
    }
    assert "kgbert_texts_total 2" in served.client.get("/metrics").text
    assert "/predict" in served.client.get("/openapi.json").json()["paths"]
    page = served.client.get("/").text
    assert 'fetch("health")' in page
    assert "http://" not in page
    assert "https://" not in page


def test_one_text_is_explained_on_a_page(serve, monkeypatch):
    asked = []

    def explain(model, examples, *, parts):
        asked.append((examples[0].text, "words" in parts, "mentions" in parts))
        return []

    monkeypatch.setattr("kgbert.explanation.explain.explain", explain)
    long = "a " * MOST_WORDS + "fever"

    served = serve()
    page = served.client.post("/explain", json={"texts": ["a fever"]})
    served.client.post("/explain", json={"texts": [{"text": long}]})
    several = served.client.post("/explain", json={"texts": ["a", "b"]})

    assert page.status_code == 200
    assert asked == [("a fever", True, True), (long, False, True)]
    assert "<h1>Why the model answers as it does</h1>" in page.text
    assert (several.status_code, several.json()["code"]) == (422, "too-many-texts")
    assert "kgbert_requests_total 2" in served.client.get("/metrics").text


def test_explanations_are_computed_one_at_a_time(serve, monkeypatch):
    started, may_end = threading.Event(), threading.Event()
    monkeypatch.setattr(
        "kgbert.explanation.explain.explain",
        lambda model, examples, **options: started.set() or (may_end.wait(10) and []),
    )
    served = serve()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(served.client.post, "/explain", json={"texts": ["a"]})
        assert started.wait(10)
        second = served.client.post("/explain", json={"texts": ["b"]})
        may_end.set()

        assert (second.status_code, second.json()["code"]) == (503, "server-busy")
        assert first.result().status_code == 200
    assert served.client.post("/explain", json={"texts": ["c"]}).status_code == 200


def test_an_exported_model_explains_nothing():
    exported = object.__new__(RuntimePipeline)
    exported.task = TASKS["text-classification"]
    with TestClient(create_app(exported)) as client:
        answer = client.post("/explain", json={"texts": ["a"]})

        assert (answer.status_code, answer.json()["code"]) == (422, "no-explanations")
        assert client.get("/health").json()["explains"] is False


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/page.html", "/etc/passwd", "/%2e%2e/x"])
def test_no_file_is_served(serve, path):
    assert serve().client.get(path).status_code == 404


def test_what_waits_is_answered_before_the_server_stops():
    model = InventedModel()
    model.is_free.clear()

    async def ask_and_stop():
        batcher = Batcher(model, batch_size=4, max_waiting=8)
        batcher.start()
        answers = asyncio.ensure_future(batcher.answer([Example("three")]))
        await asyncio.sleep(0.05)
        stopping = asyncio.ensure_future(batcher.stop())
        await asyncio.sleep(0.05)
        model.is_free.set()
        await stopping
        return await answers

    [answer] = asyncio.run(ask_and_stop())

    assert answer.label == "5"


def test_a_client_that_goes_before_its_request_has_arrived_is_forgotten():
    async def app(scope, receive, send):
        pytest.fail("answers nobody")

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        pytest.fail("writes to nobody")

    asyncio.run(BodyLimit(app, 100)({"type": "http"}, receive, send))


def test_a_request_is_passed_on_once_and_then_what_the_client_does():
    received = []

    async def app(scope, receive, send):
        received.extend([await receive(), await receive()])

    parts = iter(
        [
            {"type": "http.request", "body": b"ab", "more_body": True},
            {"type": "http.request", "body": b"c", "more_body": False},
            {"type": "http.disconnect"},
        ]
    )

    async def receive():
        return next(parts)

    asyncio.run(BodyLimit(app, 100)({"type": "http"}, receive, None))

    assert received == [
        {"type": "http.request", "body": b"abc", "more_body": False},
        {"type": "http.disconnect"},
    ]


def test_a_server_listens_where_it_is_told(monkeypatch):
    ran = {}
    monkeypatch.setattr("uvicorn.run", lambda app, **options: ran.update(options, app=app))

    server.serve(InventedModel(), host="127.0.0.2", port=81)

    assert (ran["host"], ran["port"]) == ("127.0.0.2", 81)
    assert TestClient(ran["app"]).get("/health").status_code in (200, 503)
