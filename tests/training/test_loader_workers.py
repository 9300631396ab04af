import pytest
import torch
import transformers

from kgbert.data import Example
from kgbert.features.frozen_encoder import weights_hash
from kgbert.models.task_models import KGBertForSequenceClassification as Fused
from kgbert.tasks.registry import TASKS
from kgbert.training.dataset import KGBertCollator, TrainingExamples
from kgbert.training.trainer import default_arguments, fine_tune
from tests.support.processes import printed_elsewhere
from tests.support.tiny import TINY, config_with, save_plain, tiny_graph, tiny_processor


def trained(folder, workers):
    """Train for two epochs and return a digest of the weights."""
    transformers.set_seed(1)
    plain = save_plain(folder, "bert", Fused)
    model = Fused.from_backbone(plain, tiny_graph(), labels=("a", "b"), **TINY)
    texts = [Example(x, label) for x in ("fever, cough", "a lung", "symptom") for label in "ab"]
    arguments = default_arguments(
        folder / "run",
        num_train_epochs=2,
        per_device_train_batch_size=2,
        bf16=False,
        use_cpu=True,
        dataloader_num_workers=workers,
    )
    fine_tune(model, tiny_processor(fan_out=1), texts, texts, arguments=arguments)
    return weights_hash(model)


@pytest.mark.slow
def test_hash_seeds_and_workers_change_no_weight(tmp_path):
    code = (
        "from pathlib import Path; from tests.training.test_loader_workers import trained; "
        f"print('weights', trained(Path({str(tmp_path / 'b')!r}), 2))"
    )

    alone = trained(tmp_path / "a", 0)
    helped = printed_elsewhere(code, hash_seed=1)

    assert len(alone) == 64
    assert helped.rpartition("weights ")[2].strip() == alone


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
