"""Time several models side by side, step by step, so that noise hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from kgbert.batching.processor import EncodedText, KGBertProcessor

#: What a measurement says of a lane: its ratios to the first lane, and times in milliseconds.
Row = dict[str, Any]


@dataclass
class Lane:
    """One model with its batches; all lanes of a measurement have equally many."""

    name: str
    model: nn.Module
    processor: KGBertProcessor
    batches: Sequence[Sequence[EncodedText]]
    device: str = "cpu"
    spent: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By what was timed: seconds of the clock and of the processor, each step."""

    @cached_property
    def optimiser(self) -> torch.optim.Optimizer:
        """Made when first trained, since its moments take memory."""
        return torch.optim.AdamW(self.model.parameters(), 1e-5, fused=True)

    def collate(self, number: int) -> dict[str, Any]:
        """Return a batch on the device, sampled as in training."""
        batch = self.processor.collate(self.batches[number % len(self.batches)], 1 + number)
        return {
            name: value.to(self.device) if isinstance(value, torch.Tensor) else value
            for name, value in batch.items()
        }

    def train(self, number: int) -> None:
        """Take one step of training, loader included."""
        self.model.train()
        batch = self.collate(number)
        labels = torch.arange(len(batch["input_ids"]), device=self.device) % 2
        with torch.autocast(self.device, torch.bfloat16):
            loss = self.model(**batch, labels=labels).loss
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()

    def infer(self, number: int) -> None:
        """Answer one batch, loader included."""
        self.model.eval()
        with torch.inference_mode(), torch.autocast(self.device, torch.bfloat16):
            self.model(**self.collate(number)).logits.float().cpu()


#: What can be timed of a lane.
STEPS: dict[str, Callable[[Lane, int], Any]] = {
    "training": Lane.train,
    "inference": Lane.infer,
    "loader": Lane.collate,
}


def race(lanes: Sequence[Lane], step: str, *, repeats: int, block: int = 1) -> list[Row]:
    """Time a step in all lanes in turn, and return each lane's throughput as a ratio to the first.

    The first round warms up and does not count. A ratio is the median over rounds, in each of
    which the lanes follow one another directly.

    Args:
        lanes: What is compared.
        step: A name in ``STEPS``.
        repeats: Rounds that count.
        block: Steps a lane takes in a row; more than one where a GPU works ahead.
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


def peak_memory(lane: Lane) -> int | None:
    """Return the most bytes that a step of training takes on a GPU, None without one."""
    if lane.device == "cpu":
        return None
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    lane.train(0)
    own = sum(parameter.numel() * parameter.element_size() for parameter in lane.model.parameters())
    return torch.cuda.max_memory_allocated() - before + own


def _synchronise(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
