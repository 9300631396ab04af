"""Time several models side by side, in short turns, so that noise hits all of them alike."""

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

#: What a measurement says of a lane: its ratios to the first lane, and times in milliseconds.
Row = dict[str, Any]


@dataclass
class Lane:
    """One model with its batches; all lanes of a measurement have equally many."""

    name: str
    model: KGBertPreTrainedModel
    processor: KGBertProcessor
    batches: Sequence[Sequence[EncodedText]]
    device: str = "cpu"
    bucketed: bool = False
    """Whether batches are filled up to few sizes, as a compiled model wants them."""
    wrapped: nn.Module | None = None
    """The model compiled, or sharing gradients with other processes; itself if None."""
    spent: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By what was timed: seconds of the clock and of the processor, each step."""

    @property
    def called(self) -> nn.Module:
        """What answers."""
        return self.model if self.wrapped is None else self.wrapped

    @cached_property
    def optimiser(self) -> torch.optim.Optimizer:
        """Made when first trained, since its moments take memory."""
        return torch.optim.AdamW(self.model.parameters(), 1e-5, fused=True)

    def load(self, number: int, epoch: int = 0) -> dict[str, Any]:
        """Return a batch as a loader's worker makes it: tokens alone where no more is read."""
        texts = self.batches[number % len(self.batches)]
        if not self.model.injections and self.processor.expander is None:
            return dict(
                self.processor.tokenizer.pad([x.tokens for x in texts], return_tensors="pt")
            )
        batch = self.processor.collate(texts, epoch)
        return pad_to_buckets(batch, 0) if self.bucketed else batch

    def collate(self, number: int, epoch: int = 0) -> dict[str, Any]:
        """Return a batch on the device, its neighbours drawn as in an epoch; 0 is evaluation."""
        return {name: on(value, self.device) for name, value in self.load(number, epoch).items()}

    def train(self, number: int) -> None:
        """Take one step of training, loader included; each draws neighbours of its own."""
        self.learn(self.collate(number, 1 + number))

    def learn(self, batch: dict[str, Any]) -> None:
        """Take one step of training on a batch."""
        self.model.train()
        labels = torch.arange(len(batch["input_ids"]), device=self.device) % 2
        with torch.autocast(self.device, torch.bfloat16):
            loss = self.called(**batch, labels=labels).loss
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()

    def infer(self, number: int, *, bf16: bool = True) -> None:
        """Answer one batch, loader included."""
        self.model.eval()
        mixed = torch.autocast(self.device, torch.bfloat16, enabled=bf16)
        with torch.inference_mode(), mixed:
            self.called(**self.collate(number)).logits.float().cpu()


#: What can be timed of a lane.
STEPS: dict[str, Callable[[Lane, int], Any]] = {
    "training": Lane.train,
    "inference": Lane.infer,
    "inference, float32": partial(Lane.infer, bf16=False),
    "loader": Lane.load,
}


def race(lanes: Sequence[Lane], step: str, *, repeats: int, block: int) -> list[Row]:
    """Time steps in all lanes in turn, and return each lane's throughput as a ratio to the first.

    The first round warms up and does not count. A ratio is the median over rounds, in each of
    which the lanes follow one another directly.

    Args:
        lanes: What is compared.
        step: A name in ``STEPS``.
        repeats: Rounds that count.
        block: Steps a lane takes in a row: so many that a model finds its weights in the caches of
            a CPU, as one does that has it for itself, and that what a GPU works ahead is counted.
    """
    for lane in lanes:
        lane.spent[step] = []
    for turn in range(repeats + 1):
        # Who goes first changes, so that no lane always follows the same one.
        for lane in (*lanes[turn % len(lanes) :], *lanes[: turn % len(lanes)]):
            _synchronise(lane.device)
            clock, processor = time.perf_counter(), time.process_time()
            for number in range(turn * block, (turn + 1) * block):
                STEPS[step](lane, number)
            _synchronise(lane.device)
            spent = time.perf_counter() - clock, time.process_time() - processor
            if turn:
                lane.spent[step].append(spent)
    return [_row(lane, lanes[0], step, block) for lane in lanes]


def _row(lane: Lane, first: Lane, step: str, block: int) -> Row:
    own, its = lane.spent[step], first.spent[step]
    ratios = [[b[kind] / a[kind] for a, b in zip(own, its, strict=True)] for kind in (0, 1)]
    return {
        "arm": lane.name,
        f"{step}, by the clock": round(statistics.median(ratios[0]), 3),
        f"{step}, by processor time": round(statistics.median(ratios[1]), 3),
        f"{step}, quartiles": [round(x, 3) for x in statistics.quantiles(ratios[1])],
        f"{step}, ms of the processor": round(
            1000 * statistics.median(x[1] for x in own) / block, 1
        ),
    }


def waiting(lane: Lane, steps: int, *, workers: int = 2) -> float:
    """Return the share of training's time in which it waits for its loader's workers."""
    loader = DataLoader(_Numbered(lane, steps + 2), batch_size=None, num_workers=workers)
    waited = total = 0.0
    batches = iter(loader)
    for number in range(steps + 2):
        start = time.perf_counter()
        batch = next(batches)
        came = time.perf_counter()
        lane.learn({name: on(value, lane.device) for name, value in batch.items()})
        _synchronise(lane.device)
        # Until the workers have started, waiting says nothing.
        if number > 1:
            waited, total = waited + came - start, total + time.perf_counter() - start
    return round(waited / total, 4)


class _Numbered(Dataset[dict[str, Any]]):
    """A lane's batches by number."""

    def __init__(self, lane: Lane, size: int) -> None:
        self.lane, self.size = lane, size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.lane.load(number, 1 + number)


def peak_gpu_memory(lane: Lane) -> int:
    """Return the most bytes that a step of training takes on a GPU, its model included."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    lane.train(0)
    own = sum(parameter.numel() * parameter.element_size() for parameter in lane.model.parameters())
    return torch.cuda.max_memory_allocated() - before + own


def on(value: Any, device: str) -> Any:
    """Return a tensor on a device, and anything else as it is."""
    return value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value


def _synchronise(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
