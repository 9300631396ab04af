import pytest
import torch

from kgbert.models.config import POOLINGS
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertForTokenClassification
from tests.support.tiny import (
    TEXTS,
    TINY,
    loss_of,
    perturb,
    run,
    save_plain,
    tiny_graph,
    tiny_processor,
)

#: How the backbone may compute its own attention on any machine, beside the plain way.
IMPLEMENTATIONS = ["sdpa"]


def loaded(folder, kind, implementation, **options):
    """Return a fused model whose backbone computes its attention in a certain way."""
    torch.manual_seed(3)
    model = kind.from_backbone(folder, tiny_graph(), **TINY | options)
    model.set_attn_implementation(implementation)
    assert model.backbone.config._attn_implementation == implementation
    return perturb(model)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert"])
def test_every_way_of_computing_attention_gives_the_same_answers_and_gradients(
    plain_folder, family, pooling, implementation
):
    folder = plain_folder(family, KGBertForSequenceClassification)
    batch = tiny_processor(family)(TEXTS)
    eager, other = (
        loaded(folder, KGBertForSequenceClassification, each, pooling=pooling)
        for each in ("eager", implementation)
    )

    loss_of(eager, batch).backward()
    loss_of(other, batch).backward()

    assert torch.allclose(run(other, batch).logits, run(eager, batch).logits, atol=1e-5)
    for (name, ours), theirs in zip(other.named_parameters(), eager.parameters(), strict=True):
        if ours.grad is not None:
            assert torch.allclose(ours.grad, theirs.grad, atol=1e-4), name


def test_flex_attention_gives_the_same_answers(plain_folder):
    folder = plain_folder("bert", KGBertForTokenClassification)
    batch = tiny_processor()(TEXTS)
    eager, flex = (
        loaded(folder, KGBertForTokenClassification, each) for each in ("eager", "flex_attention")
    )

    # Not compiled, which takes long and needs a C++ compiler.
    with torch.compiler.set_stance("force_eager"):
        answers = [run(model, batch).logits for model in (flex, eager)]

    assert torch.allclose(*answers, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="flash attention needs a GPU")
def test_flash_attention_gives_the_same_answers_in_half_precision(tmp_path):
    pytest.importorskip("flash_attn", reason="flash attention is not installed")
    folder = save_plain(tmp_path, "bert", KGBertForTokenClassification)
    batch = {
        name: value.cuda() if isinstance(value, torch.Tensor) else value
        for name, value in tiny_processor()(TEXTS).items()
    }
    eager, flash = (
        loaded(folder, KGBertForTokenClassification, each).cuda().bfloat16()
        for each in ("eager", "flash_attention_2")
    )

    answers = [run(model, batch).logits.float() for model in (flash, eager)]

    assert torch.allclose(*answers, atol=0.05)
