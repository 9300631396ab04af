import shutil

import jaxtyping
import pytest
import torch

from kgbert.encoding.padding_buckets import pad_to_buckets
from kgbert.models.config import POOLINGS
from tests.support.tiny import perturb, run, tiny_processor

#: Texts of the same width, the second with other links, nodes and edges.
FIRST = ["a cough", "no one"]
SECOND = ["a organ", "no one"]

#: Backends of torch.compile and poolings. The last backend, which torch takes by itself, writes
#: C++; one pooling is enough for it, since the others trace the same model.
COMPILED = [
    *(("eager", pooling) for pooling in POOLINGS),
    *(("aot_eager", pooling) for pooling in POOLINGS),
    pytest.param(
        *("inductor", "head"),
        marks=pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler"),
    ),
]


@pytest.fixture(autouse=True)
def compiled_anew():
    # The checks of shapes do not know the tensors that a compiler traces with.
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    torch.compiler.reset()
    yield
    torch.compiler.reset()
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "pooling"), COMPILED)
def test_a_compiled_model_answers_as_it_did_and_compiles_once_for_a_bucket(fused, pooling, backend):
    model = perturb(fused(pooling=pooling))
    processor = tiny_processor()
    batches = [processor(texts) for texts in (FIRST, SECOND)]
    padded = [pad_to_buckets(batch, model.read_position) for batch in batches]
    expected = [run(model, batch).logits for batch in batches]
    compiled = torch.compile(model, backend=backend, dynamic=False)

    answers = [run(compiled, padded[0]).logits]
    with torch.compiler.set_stance("fail_on_recompile"):
        answers.append(run(compiled, padded[1]).logits)

    assert batches[0]["hop_sizes"] != batches[1]["hop_sizes"]
    assert padded[0]["hop_sizes"] == padded[1]["hop_sizes"]
    for ours, theirs in zip(answers, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [{}, {"knowledge_heads": 1, "knowledge_size": 32}])
def test_a_compiled_model_looks_vectors_up_as_it_did(fused, shape):
    model, processor = perturb(fused(**shape)), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    batches = [processor(texts) for texts in (FIRST, SECOND)]
    compiled = torch.compile(model, backend="eager", dynamic=False)

    answers = [run(compiled, pad_to_buckets(batches[0], model.read_position)).logits]
    with torch.compiler.set_stance("fail_on_recompile"):
        answers.append(run(compiled, pad_to_buckets(batches[1], model.read_position)).logits)

    for ours, batch in zip(answers, batches, strict=True):
        assert torch.allclose(ours, run(model, batch).logits, atol=1e-6)
