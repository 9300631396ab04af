"""Time several models in alternating short blocks, so that noise affects all of them equally."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.padding_buckets import pad_to_buckets
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel

#: A measurement of a case: ratios to the first case, and times in milliseconds.
Row = dict[str, Any]


@dataclass
class Case:
    """One model with its batches; all cases of a measurement have equally many."""

    name: str
    model: KGBertPreTrainedModel
    processor: KGBertProcessor
    batches: Sequence[Sequence[EncodedText]]
    device: str = "cpu"
    bucketed: bool = False
    """Whether batches are padded to few shapes, which avoids recompilation."""
    wrapped: nn.Module | None = None
    """The compiled or data-parallel model; None for the model itself."""
    timings: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """Wall-clock and processor seconds of each block, by the name of the timed step."""

    @property
    def module(self) -> nn.Module:
        """The module to call: the wrapped model if there is one."""
        return self.model if self.wrapped is None else self.wrapped

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer, created at the first training step since its state takes memory."""
        return torch.optim.AdamW(self.model.parameters(), 1e-5, fused=True)

    def load_batch(self, number: int, epoch: int = 0) -> dict[str, Any]:
        """Return a batch as a loader worker builds it; only tokens if the model reads no graph."""
        texts = self.batches[number % len(self.batches)]
        if not self.model.injections and self.processor.expander is None:
            return dict(
                self.processor.tokenizer.pad([x.tokens for x in texts], return_tensors="pt")
            )
        batch = self.processor.collate(texts, epoch)
        return pad_to_buckets(batch, 0) if self.bucketed else batch

    def collate(self, number: int, epoch: int = 0) -> dict[str, Any]:
        """Return a batch on the device, with the neighbours of an epoch (0: evaluation)."""
        return {
            name: to_device(value, self.device)
            for name, value in self.load_batch(number, epoch).items()
        }

    def train(self, number: int) -> None:
        """Take one training step including batch loading; each step samples new neighbours."""
        self.train_on(self.collate(number, 1 + number))

    def train_on(self, batch: dict[str, Any]) -> None:
        """Take one training step on a batch."""
        self.model.train()
        labels = torch.arange(len(batch["input_ids"]), device=self.device) % 2
        with torch.autocast(self.device, torch.bfloat16):
            loss = self.module(**batch, labels=labels).loss
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def infer(self, number: int, *, bf16: bool = True) -> None:
        """Predict one batch, including batch loading."""
        self.model.eval()
        mixed = torch.autocast(self.device, torch.bfloat16, enabled=bf16)
        with torch.inference_mode(), mixed:
            self.module(**self.collate(number)).logits.float().cpu()


#: Steps of a case that can be timed.
STEPS: dict[str, Callable[[Case, int], Any]] = {
    "training": Case.train,
    "inference": Case.infer,
    "inference, float32": partial(Case.infer, bf16=False),
    "loader": Case.load_batch,
}


def compare_throughput(cases: Sequence[Case], step: str, *, repeats: int, block: int) -> list[Row]:
    """Time a step in all cases in turn; return each case's throughput relative to the first.

    The first round is a warm-up. A ratio is the median over the rounds; within a round the cases
    run directly after one another.

    Args:
        cases: The cases to compare.
        step: A name in ``STEPS``.
        repeats: Number of timed rounds.
        block: Consecutive steps of a case in a round: enough that the weights are in the CPU's
            caches, and that asynchronous work of a GPU is included.
    """
    for case in cases:
        case.timings[step] = []
    for turn in range(repeats + 1):
        # The order rotates, so that no case always follows the same one.
        for case in (*cases[turn % len(cases) :], *cases[: turn % len(cases)]):
            _synchronize(case.device)
            clock, processor = time.perf_counter(), time.process_time()
            for number in range(turn * block, (turn + 1) * block):
                STEPS[step](case, number)
            _synchronize(case.device)
            elapsed = time.perf_counter() - clock, time.process_time() - processor
            if turn:
                case.timings[step].append(elapsed)
    return [_row(case, cases[0], step, block) for case in cases]


def _row(case: Case, first: Case, step: str, block: int) -> Row:
    own, reference = case.timings[step], first.timings[step]
    ratios = [[b[kind] / a[kind] for a, b in zip(own, reference, strict=True)] for kind in (0, 1)]
    return {
        "arm": case.name,
        f"{step}, by the clock": round(statistics.median(ratios[0]), 3),
        f"{step}, by processor time": round(statistics.median(ratios[1]), 3),
        f"{step}, quartiles": [round(x, 3) for x in statistics.quantiles(ratios[1])],
        f"{step}, ms of the processor": round(
            1000 * statistics.median(x[1] for x in own) / block, 1
        ),
    }


def loader_wait_share(case: Case, steps: int, *, workers: int = 2) -> float:
    """Return the share of training time spent waiting for the loader workers."""
    loader = DataLoader(_BatchDataset(case, steps + 2), batch_size=None, num_workers=workers)
    waited = total = 0.0
    batches = iter(loader)
    for number in range(steps + 2):
        start = time.perf_counter()
        batch = next(batches)
        received = time.perf_counter()
        case.train_on({name: to_device(value, case.device) for name, value in batch.items()})
        _synchronize(case.device)
        # The first batches include the start of the workers.
        if number > 1:
            waited, total = waited + received - start, total + time.perf_counter() - start
    return round(waited / total, 4)


class _BatchDataset(Dataset[dict[str, Any]]):
    """The batches of a case, by number."""

    def __init__(self, case: Case, size: int) -> None:
        self.case, self.size = case, size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.case.load_batch(number, 1 + number)


def peak_gpu_memory(case: Case) -> int:
    """Return the peak bytes of a training step on a GPU, including the model."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    case.train(0)
    own = sum(parameter.numel() * parameter.element_size() for parameter in case.model.parameters())
    return torch.cuda.max_memory_allocated() - before + own


def to_device(value: Any, device: str) -> Any:
    """Return a tensor on a device, and any other value unchanged."""
    return value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value


def _synchronize(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
