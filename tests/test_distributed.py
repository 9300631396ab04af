import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Trains in one process with all texts, and in two with half of them each; prints every loss.
TRAINED = """
import sys
from pathlib import Path
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from tiny import TINY, save_plain, tiny_graph, tiny_processor
from kgbert.modeling.models import KGBertForSequenceClassification as Fused

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
        told = loss.detach()
        if world > 1:
            dist.all_reduce(told)
            told = told / world
        if rank == 0:
            print(world, f"{told.item():.6f}", flush=True)

if __name__ == "__main__":
    plain = save_plain(folder, "bert", Fused)
    # Before anything of this process computes gradients, whose threads a fork does not survive.
    mp.start_processes(train, (2, plain), nprocs=2, start_method="fork")
    train(0, 1, plain)
"""


@pytest.mark.slow
def test_two_processes_train_as_one_with_the_same_texts(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", TRAINED, str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )

    told = [line.split() for line in ended.stdout.splitlines() if line[:2] in ("1 ", "2 ")]
    losses = {world: [float(loss) for count, loss in told if count == world] for world in "12"}
    assert ended.returncode == 0, ended.stderr
    assert len(losses["1"]) == 5
    assert losses["2"] == pytest.approx(losses["1"], abs=1e-4)
    assert losses["1"][-1] < losses["1"][0]
