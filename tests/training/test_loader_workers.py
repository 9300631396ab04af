import os
import subprocess
import sys

import pytest
import torch

from kgbert.data import Example
from kgbert.tasks.registry import TASKS
from kgbert.training.dataset import KGBertCollator, TrainingExamples
from tests.support.paths import PROJECT
from tests.support.tiny import config_with, tiny_processor

#: Trains for two epochs and prints a digest of the weights.
TRAINED = """
import sys
from pathlib import Path
import transformers
from tests.support.tiny import TINY, save_plain, tiny_graph, tiny_processor
from kgbert.features.frozen_encoder import weights_hash
from kgbert.models.task_models import KGBertForSequenceClassification as Fused
from kgbert.data import Example
from kgbert.training.trainer import default_arguments, fine_tune

folder, workers = Path(sys.argv[1]), int(sys.argv[2])
transformers.set_seed(1)
plain = save_plain(folder, "bert", Fused)
model = Fused.from_backbone(plain, tiny_graph(), labels=("a", "b"), **TINY)
texts = [Example(text, label) for text in ("fever, cough", "a lung", "symptom") for label in "ab"]
arguments = default_arguments(
    folder / "run", num_train_epochs=2, per_device_train_batch_size=2, bf16=False, use_cpu=True,
    dataloader_num_workers=workers,
)
processor = tiny_processor(fan_out=1)
fine_tune(model, processor, texts, texts, arguments=arguments)
print("weights", weights_hash(model))
"""


def trained(folder, *, hash_seed, workers):
    """Return the digest of weights trained in another process."""
    ended = subprocess.run(
        [sys.executable, "-c", TRAINED, str(folder), str(workers)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.rpartition("weights ")[2]


@pytest.mark.slow
def test_hash_seeds_and_workers_change_no_weight(tmp_path):
    alone = trained(tmp_path / "a", hash_seed=1, workers=0)
    helped = trained(tmp_path / "b", hash_seed=2, workers=2)

    assert len(alone.strip()) == 64
    assert alone == helped


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_hear_of_every_epoch(persistent):
    processor = tiny_processor(fan_out=1)
    task = TASKS["text-classification"]
    examples = [Example("fever and cough in pneumonia", "ill")] * 2
    texts = TrainingExamples(task, processor, examples, config_with(["ill"]))
    loader = torch.utils.data.DataLoader(
        texts,
        batch_size=2,
        collate_fn=KGBertCollator(task, processor),
        num_workers=1,
        persistent_workers=persistent,
    )

    for epoch in range(4):
        texts.set_epoch(epoch)
        [batch] = loader
        expected = processor.collate([text for (text,) in texts.units], epoch + 1)
        assert torch.equal(batch["edge_index"], expected["edge_index"])
        assert torch.equal(batch["edge_types"], expected["edge_types"])
        assert batch["hop_sizes"] == expected["hop_sizes"]
