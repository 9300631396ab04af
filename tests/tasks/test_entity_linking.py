"""Train entity linking on texts with few or no usable annotations."""

import pytest
import torch

from kgbert.data import Example, Span
from kgbert.linking.mention import Candidate, Mention
from kgbert.models.task_models import KGBertForEntityLinking
from kgbert.tasks.gold_links import gold_choices
from kgbert.training.trainer import default_arguments, fine_tune
from tests.models.heads.test_entity_linking import linking_processor
from tests.support.tiny import FEATURES, run


def test_texts_that_mention_nothing_do_not_end_a_training(fused, tmp_path):
    nothing = Example("nothing to see", spans=(Span(0, 7, "Sign", "EX:1"),))
    train = [Example("fever", spans=(Span(0, 5, "Sign", "EX:1"),)), nothing]
    model = fused(kind=KGBertForEntityLinking)

    fine_tune(
        model,
        linking_processor(linker=None),
        train,
        [nothing],
        arguments=default_arguments(
            tmp_path, num_train_epochs=1, per_device_train_batch_size=1, bf16=False, use_cpu=True
        ),
    )

    assert model.config.nil_threshold == 0.5


@pytest.mark.parametrize(
    ("hops", "size", "message"), [(1, FEATURES, "samples 1 hops"), (2, 32, "vectors of length 32")]
)
def test_a_head_without_injections_still_reads_the_graph(fused, tmp_path, hops, size, message):
    processor = linking_processor(linker=None, hops=hops)
    texts = [Example("fever", spans=(Span(0, 5, "Sign", "EX:1"),))]
    model = fused(kind=KGBertForEntityLinking, injected_layers=[], feature_size=size)

    with pytest.raises(ValueError, match=message):
        fine_tune(model, processor, texts, texts, arguments=default_arguments(tmp_path))


def test_a_gold_entity_that_the_linker_rules_out_is_answered_with_nil(fused):
    candidates = (Candidate("EX:8", 0.5), Candidate("EX:1", 0.0))
    processor = linking_processor()
    processor.linker = lambda texts: [[Mention(0, 5, candidates)] for _ in texts]
    example = Example("fever", spans=(Span(0, 5, "Sign", "EX:1"),))
    (encoded,) = processor.encode([example])

    batch = processor.collate([encoded])
    labels = torch.tensor([gold_choices(example, encoded)])

    assert labels.tolist() == [[0]]
    loss = run(fused(kind=KGBertForEntityLinking), batch, labels=labels).loss
    assert loss.isfinite()


def test_texts_that_name_no_entity_are_refused(fused, tmp_path):
    texts = [Example("fever", spans=(Span(0, 5, "Sign"),))]

    with pytest.raises(ValueError, match=r"train: no span of the 1 texts names its entity"):
        fine_tune(
            fused(kind=KGBertForEntityLinking),
            linking_processor(),
            texts,
            texts,
            arguments=default_arguments(tmp_path),
        )
