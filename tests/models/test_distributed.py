import os
import subprocess
import sys

import pytest

from tests.support.paths import PROJECT

#: Trains in one process with all texts, and in two with half of them each; prints every loss.
TRAINED = """
import sys
from pathlib import Path
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from tests.support.tiny import TINY, save_plain, tiny_graph, tiny_processor
from tests.support.paths import PROJECT
from kgbert.models.task_models import KGBertForSequenceClassification as Fused

TEXTS = ["fever and cough in pneumonia", "a lung", "nothing to see", "cough, cough"]
folder = Path(sys.argv[1])

def train(rank, world, plain):
    torch.manual_seed(0)
    model = Fused.from_backbone(plain, tiny_graph(), labels=("a", "b"), link_dropout=0.0, **TINY)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    processor, wrapped = tiny_processor(), model.train()
    if world > 1:
        meeting = f"file://{folder}/meeting"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world)
        wrapped = torch.nn.parallel.DistributedDataParallel(model)
    for step in range(5):
        labels = torch.tensor([0, 1, 1, 0])[rank::world]
        loss = wrapped(**processor.collate(processor.encode(TEXTS[rank::world]), step),
                       labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        total = loss.detach()
        if world > 1:
            dist.all_reduce(total)
            total = total / world
        if rank == 0:
            print(world, f"{total.item():.6f}", flush=True)

if __name__ == "__main__":
    plain = save_plain(folder, "bert", Fused)
    # Before anything of this process computes gradients, whose threads a fork does not survive.
    mp.start_processes(train, (2, plain), nprocs=2, start_method="fork")
    train(0, 1, plain)
"""


@pytest.mark.slow
def test_two_processes_train_as_one_with_the_same_texts(tmp_path):
    losses = losses_of(TRAINED, tmp_path)

    assert len(losses["1"]) == 5
    assert losses["2"] == pytest.approx(losses["1"], abs=1e-4)
    assert losses["1"][-1] < losses["1"][0]


def losses_of(script, folder):
    """Return the losses that a script prints, by how many processes trained."""
    ended = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    lines = [line.split() for line in ended.stdout.splitlines() if line[:2] in ("1 ", "2 ")]
    return {world: [float(loss) for count, loss in lines if count == world] for world in "12"}


#: Trains a model cut up over two processes, blocks and all, and the same model in one; prints both.
CUT_UP = """
import sys
from pathlib import Path
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from tests.support.tiny import TEXTS, TINY, save_plain, tiny_graph, tiny_processor
from kgbert.features.backbones import blocks_of
from kgbert.models.task_models import KGBertForSequenceClassification as Fused

folder = Path(sys.argv[1])

def train(rank, world, plain):
    torch.manual_seed(0)
    model = Fused.from_backbone(plain, tiny_graph(), labels=("a", "b"), pooling="mean",
                                link_dropout=0.0, **TINY)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    if world > 1:
        meeting = f"file://{folder}/meeting"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world)
        mesh = dist.device_mesh.init_device_mesh("cpu", (world,))
        for block in blocks_of(model.backbone):
            fully_shard(block.module, mesh=mesh)
        fully_shard(model, mesh=mesh)
        assert all(isinstance(parameter, DTensor) for parameter in model.parameters())
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    batch = tiny_processor()(TEXTS)
    for step in range(3):
        loss = model.train()(**batch, labels=torch.tensor([0, 1, 1, 0, 1])).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        if rank == 0:
            print(world, f"{loss.item():.6f}", flush=True)

if __name__ == "__main__":
    plain = save_plain(folder, "bert", Fused)
    mp.start_processes(train, (2, plain), nprocs=2, start_method="fork")
    train(0, 1, plain)
"""


@pytest.mark.slow
def test_a_model_cut_up_by_fsdp_trains_as_a_whole_one(tmp_path):
    losses = losses_of(CUT_UP, tmp_path)

    assert len(losses["1"]) == 3
    assert losses["2"] == pytest.approx(losses["1"], abs=1e-4)
    assert losses["1"][-1] < losses["1"][0]
