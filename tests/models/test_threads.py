from concurrent.futures import ThreadPoolExecutor
from threading import Event

import torch

from kgbert.features.backbones import blocks_of
from tests.support.tiny import perturb, run, tiny_processor


def test_a_thread_inside_a_pass_is_not_disturbed_by_another(fused):
    model, processor = perturb(fused()), tiny_processor()
    slow, quick = processor(["fever and cough"]), processor(["a lung", "pneumonia"])
    expected = run(model, slow).logits
    inside, done = Event(), Event()

    def wait(block, inputs):
        if len(inputs[0]) == 1:
            inside.set()
            assert done.wait(60)

    # In the middle of its pass, with injections before and behind.
    handle = blocks_of(model.backbone)[1].module.register_forward_pre_hook(wait)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(run, model, slow)
        assert inside.wait(60)
        run(model, quick)
        done.set()
        found = first.result().logits
    handle.remove()

    assert torch.equal(found, expected)


def test_what_one_thread_switches_off_and_records_is_its_own(fused):
    model, batch = perturb(fused()), tiny_processor()(["fever and cough"])
    expected = run(model, batch).logits

    with (
        ThreadPoolExecutor(1) as other,
        model.without_knowledge(),
        model.record_attention() as weights,
    ):
        found = other.submit(run, model, batch).result().logits

    assert torch.equal(found, expected)
    assert weights == {}
