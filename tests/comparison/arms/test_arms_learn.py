"""Every arm with injections can learn from them; otherwise it would be no control."""

import pytest
import torch

from kgbert.comparison.arms.registry import ARMS
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.task_models import KGBertForSequenceClassification
from tests.comparison.arms.test_arms import TEXTS, inputs_for, no_cache  # noqa: F401
from tests.support.tiny import TINY, save_plain, tiny_tokenizer

INJECTING = [arm for arm in ARMS.values() if arm.options.get("injected_layers", True)]


@pytest.mark.parametrize("arm", INJECTING, ids=lambda arm: arm.name)
@pytest.mark.usefixtures("no_cache")
def test_what_an_arm_injects_is_learnt(arm, tmp_path):
    backbone = save_plain(tmp_path, "bert", KGBertForSequenceClassification)
    changed = arm.transform(inputs_for(arm, backbone), 0)
    processor = KGBertProcessor(
        tiny_tokenizer("bert"), changed.graph, changed.features, linker=changed.linker
    )
    size = changed.features.vectors.shape[1]
    torch.manual_seed(0)
    model = KGBertForSequenceClassification.from_backbone(
        backbone, changed.graph, labels=("a", "b"), **TINY | {"feature_size": size} | arm.options
    )
    batch, labels = processor(TEXTS), torch.tensor([0, 1, 0])
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    for _ in range(20):
        model(**batch, labels=labels).loss.backward()
        optimiser.step()

    model.eval()
    with torch.no_grad():
        read = model(**batch).logits
        with model.without_knowledge():
            unread = model(**batch).logits
    assert (read - unread).abs().max() > 1e-5
