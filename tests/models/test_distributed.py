import os
import subprocess
import sys

import pytest

from tests.support.project.folder import PROJECT

#: Trains in one process with all texts, and in two with half of them each; then a model that is
#: cut up over two processes, blocks and all, and the same model in one. Prints every loss.
TRAINED = """
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
FOUR = ["fever and cough in pneumonia", "a lung", "nothing to see", "cough, cough"]

def build(rank, world, plain, name, **options):
    torch.manual_seed(0)
    model = Fused.from_backbone(plain, tiny_graph(), link_dropout=0.0, **TINY, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    if world > 1:
        meeting = f"file://{folder}/{name}"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world)
    return model.train()

def halves(rank, world, plain):
    model = wrapped = build(rank, world, plain, "halves", labels=("a", "b"))
    if world > 1:
        wrapped = torch.nn.parallel.DistributedDataParallel(model)
    optimiser, processor = torch.optim.AdamW(model.parameters(), 0.01), tiny_processor()
    for step in range(5):
        labels = torch.tensor([0, 1, 1, 0])[rank::world]
        loss = wrapped(**processor.collate(processor.encode(FOUR[rank::world]), step),
                       labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        total = loss.detach()
        if world > 1:
            dist.all_reduce(total)
            total = total / world
        if rank == 0:
            print("halves", world, f"{total.item():.6f}", flush=True)

def cut_up(rank, world, plain):
    model = build(rank, world, plain, "cut-up", labels=("a", "b"), pooling="mean")
    if world > 1:
        mesh = dist.device_mesh.init_device_mesh("cpu", (world,))
        for block in blocks_of(model.backbone):
            fully_shard(block.module, mesh=mesh)
        fully_shard(model, mesh=mesh)
        assert all(isinstance(parameter, DTensor) for parameter in model.parameters())
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    batch = tiny_processor()(TEXTS)
    for step in range(3):
        loss = model(**batch, labels=torch.tensor([0, 1, 1, 0, 1])).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        if rank == 0:
            print("cut-up", world, f"{loss.item():.6f}", flush=True)

if __name__ == "__main__":
    plain = save_plain(folder, "bert", Fused)
    # Before anything of this process computes gradients, whose threads a fork does not survive.
    for train in (halves, cut_up):
        mp.start_processes(train, (2, plain), nprocs=2, start_method="fork")
    for train in (halves, cut_up):
        train(0, 1, plain)
"""


@pytest.fixture(scope="module")
def losses(tmp_path_factory):
    """Return the losses by how the texts or the model were divided, and among how many."""
    ended = subprocess.run(
        [sys.executable, "-c", TRAINED, str(tmp_path_factory.mktemp("distributed"))],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    found = {}
    for line in ended.stdout.splitlines():
        if line.startswith(("halves ", "cut-up ")):
            divided, count, loss = line.split()
            found.setdefault((divided, int(count)), []).append(float(loss))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("divided", "steps"), [("halves", 5), ("cut-up", 3)])
def test_two_processes_train_as_one_does(losses, divided, steps):
    one, two = losses[divided, 1], losses[divided, 2]

    assert len(one) == steps
    assert two == pytest.approx(one, abs=1e-4)
    assert one[-1] < one[0]
