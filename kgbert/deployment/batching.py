"""Answer the requests of many clients in common batches, in one thread."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from kgbert.data import Example
from kgbert.tasks.base import Prediction
from kgbert.utils.errors import KGBertError

T = TypeVar("T")


@dataclass(frozen=True)
class _Waiting:
    """An example of a request, and the future of its answer."""

    example: Example
    answer: asyncio.Future[Prediction]


class Batcher:
    """Collects examples of concurrent requests into batches.

    While a batch is computed, further examples wait and make up the next one, so that no example
    waits for others if the model is idle.
    """

    def __init__(
        self, answer: Callable[..., list[Prediction]], *, batch_size: int, max_waiting: int
    ) -> None:
        """Create a batcher; it answers after :meth:`start`.

        Args:
            answer: A pipeline.
            batch_size: Maximum number of examples of a batch.
            max_waiting: Maximum number of waiting examples; further ones are refused.
        """
        self._answer, self._batch_size, self._max_waiting = answer, batch_size, max_waiting
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._threads = ThreadPoolExecutor(1, "kgbert-model")
        self._worker: asyncio.Task[None] | None = None
        self._is_computing = False

    @property
    def waiting(self) -> int:
        """Number of waiting examples."""
        return len(self._waiting)

    def start(self) -> None:
        """Start to answer, in the running event loop."""
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Answer what waits, and stop."""
        while self._waiting and self._worker and not self._worker.done():
            await asyncio.sleep(0.01)
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        self._threads.shutdown()

    async def answer(self, examples: Sequence[Example]) -> list[Prediction]:
        """Return the answers to the examples of a request.

        Raises:
            KGBertError: Too many examples wait, or an example cannot be answered.
        """
        if self.waiting + len(examples) > self._max_waiting:
            raise KGBertError(
                f"{self.waiting:,} texts wait already; try again later.", code="server-busy"
            )
        loop = asyncio.get_running_loop()
        own = [_Waiting(example, loop.create_future()) for example in examples]
        self._waiting += own
        self._arrived.set()
        try:
            return list(await asyncio.gather(*(each.answer for each in own)))
        finally:
            # After a time-out, nobody waits for the others any more.
            self._waiting = [each for each in self._waiting if not each.answer.done()]

    async def compute(self, function: Callable[[], T]) -> T:
        """Return what a function computes between two batches, because models answer one at a time.

        Raises:
            KGBertError: Another function is being computed.
        """
        if self._is_computing:
            raise KGBertError(
                "another explanation is being computed; try again later.", code="server-busy"
            )
        self._is_computing = True
        computed = asyncio.get_running_loop().run_in_executor(self._threads, function)
        # Also after a time-out, when nobody waits for it any more.
        computed.add_done_callback(self._has_computed)
        return await computed

    def _has_computed(self, computed: asyncio.Future[Any]) -> None:
        self._is_computing = False

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            batch = self._waiting[: self._batch_size]
            results = await loop.run_in_executor(
                self._threads, self._compute, [each.example for each in batch]
            )
            for each, result in zip(batch, results, strict=True):
                if each.answer.done():
                    continue
                if isinstance(result, Exception):
                    each.answer.set_exception(result)
                else:
                    each.answer.set_result(result)
            self._waiting = [each for each in self._waiting if not each.answer.done()]
            if not self._waiting:
                self._arrived.clear()

    def _compute(self, examples: list[Example]) -> list[Any]:
        """Return an answer to each example, or the error why there is none."""
        if not examples:
            return []
        try:
            return list(self._answer(examples, batch_size=self._batch_size))
        except Exception as error:  # one bad example must not fail those of other clients
            if len(examples) == 1:
                return [error]
            return [result for example in examples for result in self._compute([example])]
