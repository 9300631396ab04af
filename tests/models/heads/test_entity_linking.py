"""A model that chooses among the candidates of mentions."""

import numpy as np
import pytest
import torch
import transformers

from kgbert.data import Example, Span
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.mention import Candidate, Mention
from kgbert.models.heads.entity_linking import Candidates
from kgbert.models.task_models import KGBertForEntityLinking, KGBertModel
from kgbert.tasks.base import IGNORED
from kgbert.tasks.entity_linking import LinkDecision, best_nil_threshold, decide
from kgbert.tasks.gold_links import gold_choices, gold_entities
from kgbert.tasks.metrics import NIL, UNANNOTATED
from kgbert.tasks.registry import TASKS
from kgbert.training.inference import evaluate, model_outputs
from kgbert.training.pipeline import context_linker, pipeline
from kgbert.training.saving import save_model
from kgbert.training.trainer import default_arguments, fine_tune
from tests.support.errors import raises
from tests.support.tiny import (
    BLOCKS,
    FEATURES,
    TEXTS,
    ExactLinker,
    perturb,
    run,
    save_plain,
    tiny_processor,
    tiny_tokenizer,
    tokens_of,
)

SOME_FAMILIES = ("bert", "roberta", "xlnet")


@pytest.fixture
def head(fused):
    return lambda family="bert", **options: fused(family, KGBertForEntityLinking, **options)


def linking_processor(family="bert", **options):
    return tiny_processor(family, candidates=3, **options)


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_a_new_model_ranks_as_the_linker_does(head, family):
    processor = linking_processor(family)
    encoded = processor.encode(TEXTS)

    logits = run(head(family), processor.collate(encoded)).logits

    for row, text in zip(logits, encoded, strict=True):
        for scores, mention in zip(row, text.mentions, strict=False):
            best = scores[1:].argsort(descending=True, stable=True)[: len(mention.candidates)]
            assert best.tolist() == list(range(len(mention.candidates)))
            assert scores[1:].isfinite().sum() == len(mention.candidates)


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_a_new_models_states_are_those_of_the_plain_encoder(head, plain, family):
    batch = linking_processor(family)(TEXTS)
    tokens = {x: y for x, y in tokens_of(batch).items() if x not in Candidates._fields}

    ours = run(head(family), batch, output_hidden_states=True).hidden_states
    theirs = run(
        plain(family, KGBertForEntityLinking), tokens, output_hidden_states=True
    ).hidden_states

    assert len(ours) == BLOCKS + 1
    assert all(map(torch.equal, ours, theirs))


@pytest.mark.parametrize("layers", [[], [1, BLOCKS]])
def test_with_knowledge_switched_off_the_linker_alone_decides(head, layers):
    processor = linking_processor()
    batch = processor(TEXTS)
    model = perturb(head(injected_layers=layers))

    with model.without_knowledge():
        off = run(model, batch).logits

    assert torch.equal(off[..., 1:], batch["candidate_scores"])
    assert not torch.allclose(run(model, batch).logits, off, atol=1e-3)


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_batch_mates_and_padding_change_nothing(head, family):
    processor, model = linking_processor(family), perturb(head(family))

    together = run(model, processor(TEXTS)).logits

    for row, text in enumerate(TEXTS):
        alone = run(model, processor([text])).logits[0]
        assert torch.allclose(together[row, : len(alone)], alone, atol=1e-5)


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_a_saved_model_answers_exactly_as_before(head, tmp_path, family):
    model, batch = perturb(head(family)), linking_processor(family)(TEXTS)
    model.save_pretrained(tmp_path)

    again, report = KGBertForEntityLinking.from_pretrained(tmp_path, output_loading_info=True)

    assert not any(report.values()), report
    assert torch.equal(run(again.eval(), batch).logits, run(model, batch).logits)


def test_after_two_steps_every_part_has_a_gradient(head):
    model, batch = head().train(), linking_processor()(TEXTS)
    labels = (batch["candidate_scores"].isfinite().sum(-1) > 0).long()
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    # The gate of the scorer opens in the first step, those of the injections in the second.
    for _ in range(3):
        optimiser.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimiser.step()

    silent = [
        name
        for name, parameter in model.named_parameters()
        if not name.startswith("backbone.") and (parameter.grad is None or not parameter.grad.any())
    ]

    assert silent == []


@pytest.mark.parametrize("texts", [TEXTS, ["nothing to see", "nor here"]])
@pytest.mark.parametrize("layers", [[1], []])
def test_no_process_waits_for_a_gradient_that_never_comes(head, texts, layers):
    model, batch = head(injected_layers=layers).train(), linking_processor()(texts)
    labels = torch.zeros(batch["mention_spans"].shape[:2], dtype=torch.int64)

    model(**batch, labels=labels).loss.backward()

    waiting = [name for name, x in model.named_parameters() if x.requires_grad and x.grad is None]
    assert waiting == []


def test_texts_without_mentions_have_nothing_to_choose(head):
    batch = linking_processor()(["nothing to see", "nor here"])

    output = run(perturb(head()), batch, labels=torch.zeros(2, 0, dtype=torch.int64))

    assert output.logits.shape == (2, 0, 4)
    assert output.loss == 0


def test_a_batch_without_candidates_is_refused(head):
    with raises("batch-without-candidates"):
        head()(**tiny_processor()(TEXTS))


def test_a_fusion_without_vectors_of_entities_is_refused(head):
    with raises("fusion-without-vectors"):
        head(fusion="knowbert", graph_layers=0)


def test_a_loaded_processor_has_the_same_candidates(tmp_path):
    processor = linking_processor(linker=None)
    processor.save_pretrained(tmp_path)

    again = KGBertProcessor.from_pretrained(tmp_path)

    first, second = processor(TEXTS), again(TEXTS)
    assert all(torch.equal(first[name], second[name]) for name in Candidates._fields)


def linker(texts):
    """Find two mentions in any text: fever or one that is unknown to the graph, and one cut off."""
    known = Mention(0, 5, (Candidate("EX:9", 1.0), Candidate("EX:8", 0.9), Candidate("EX:1", 0.8)))
    return [[known, Mention(6, 9, (Candidate("EX:2", 1.0),))] for _ in texts]


@pytest.mark.parametrize(
    ("spans", "choices", "entities"),
    [
        ((), [IGNORED, IGNORED], [UNANNOTATED, UNANNOTATED]),
        ((Span(0, 5, "x", "EX:1"),), [2, IGNORED], ["EX:1", UNANNOTATED]),
        ((Span(1, 4, "x", "EX:8"), Span(6, 9, "x", "EX:3")), [1, 0], ["EX:8", "EX:3"]),
        ((Span(0, 5, "x", "EX:9"),), [0, IGNORED], [NIL, UNANNOTATED]),
        ((Span(0, 5, "x"),), [IGNORED, IGNORED], [UNANNOTATED, UNANNOTATED]),
        ((Span(10, 13, "x", "EX:3"),), [IGNORED, IGNORED], [UNANNOTATED, UNANNOTATED, "EX:3"]),
    ],
)
def test_gold_spans_say_which_candidate_is_right(spans, choices, entities):
    processor = linking_processor(linker=linker)
    example = Example("fever and all", spans=spans)
    (encoded,) = processor.encode([example])

    assert gold_choices(example, encoded) == choices
    assert gold_entities(example, encoded, processor.graph) == entities


def test_a_mention_that_was_cut_off_is_answered_with_nil(head):
    processor = linking_processor(linker=linker, max_length=3)
    task = TASKS["entity-linking"]
    (encoded,) = task.encode([Example("fever and all")], processor)
    model = perturb(head())

    ((logits,),) = model_outputs(model, processor, task, [encoded])

    assert [x.entity for x in decide(logits, encoded.text, model.config.nil_threshold)][1] == NIL


def test_the_threshold_that_answers_most_is_chosen_and_moved_no_further_than_needed():
    def mention(share, best="EX:1"):
        return LinkDecision(best, share, best, share)

    answers = [[mention(0.9), mention(0.7, "EX:2")], [mention(0.6), mention(0.2)]]

    assert best_nil_threshold(answers, [["EX:1", "EX:2"], ["EX:1", NIL]]) == 0.5
    assert best_nil_threshold(answers, [["EX:1", NIL], [NIL, NIL]]) == 0.8
    assert best_nil_threshold(answers, [["EX:1", "EX:2"], ["EX:1", "EX:1"]]) == 0.1
    assert best_nil_threshold(answers, [[UNANNOTATED, "EX:2"], [UNANNOTATED, NIL]]) == 0.5


#: What a text says around a name, and which kind of thing bears the name there.
CONTEXTS = {"the {} of the lung": "organ", "a fever with {}": "sign", "{} dot com": ""}


def homonyms(size=360):
    """Return a graph in which two entities share each name, and texts that tell which is meant.

    What kind an entity is stands in the graph, one edge away; no name is in two texts, so that
    only the context and the graph together can tell.
    """
    generator = np.random.default_rng(0)
    names = sorted({"".join(x) for x in generator.choice(list("bdgkmprstvz"), (2 * size, 5))})
    generator.shuffle(names)
    builder, examples = GraphBuilder(), []
    for kind in ("organ", "sign"):
        builder.add_name(kind, f"kind {kind}")
    for number, name in enumerate(names[:size]):
        kinds = generator.permutation(["organ", "sign"])
        for place, kind in enumerate(kinds):
            builder.add_name(f"E:{number:03}.{place}", name)
            builder.add_edge(f"E:{number:03}.{place}", "is", str(kind))
        template, meant = list(CONTEXTS.items())[number % 3]
        start = template.index("{")
        place = kinds.tolist().index(meant) if meant else 2
        gold = Span(start, start + len(name), "Thing", f"E:{number:03}.{place}")
        examples.append(Example(template.format(name), spans=(gold,)))
    return builder.build(source="homonyms"), examples


class Undecided(ExactLinker):
    """Finds names as exact linkers do, and thinks as much of each of their bearers."""

    def __call__(self, texts):
        return [
            [
                x._replace(candidates=tuple(y._replace(score=0.5) for y in x.candidates))
                for x in each
            ]
            for each in super().__call__(texts)
        ]


def test_context_decides_between_homonyms_and_nil_is_learnt(tmp_path):
    graph, examples = homonyms()
    train, validation, test = examples[:-120], examples[-120:-60], examples[-60:]
    vectors = np.random.default_rng(1).normal(size=(len(graph), FEATURES)).astype(np.float16)
    processor = KGBertProcessor(
        tiny_tokenizer("bert"),
        graph,
        EntityFeatures(vectors, "random", "", graph.hash),
        linker=Undecided(graph),
        max_length=40,
        candidates=4,
    )
    transformers.set_seed(0)
    model = KGBertForEntityLinking.from_backbone(
        save_plain(tmp_path, "bert", KGBertModel), graph, feature_size=FEATURES, knowledge_size=32
    )
    task = TASKS["entity-linking"]
    encoded = task.encode(test, processor)
    before = evaluate(model, processor, task, encoded)

    training = fine_tune(
        model,
        processor,
        train,
        validation,
        arguments=default_arguments(
            tmp_path / "run",
            num_train_epochs=14,
            per_device_train_batch_size=16,
            learning_rate=2e-3,
            bf16=False,
            use_cpu=True,
            save_only_model=True,
        ),
        head_learning_rate=1e-2,
        patience=14,
    )

    after = evaluate(model, processor, task, encoded)
    assert before["accuracy_in_graph"] < 0.7
    assert training.history[-1]["train_loss"] < training.history[0]["train_loss"] / 2
    assert after["accuracy"] > 0.95
    assert after["nil_f1"] > 0.95
    check_a_saved_model_names_the_entity(tmp_path / "model", model, processor, *test[1:3])


def check_a_saved_model_names_the_entity(folder, model, processor, example, neither):
    # An exact linker is the test's own, and a folder tells only of linkers that kgbert knows.
    save_model(folder, model, tiny_saved(processor), {})
    loaded = pipeline(folder)
    loaded.processor.linker = processor.linker

    (prediction,) = loaded([example.text])

    link = next(x for x in prediction.links if (x.start, x.end) == span_of(example))
    assert (link.entity, link.text) == (
        example.spans[0].entity,
        example.text[link.start : link.end],
    )
    assert loaded.model.config.nil_threshold == model.config.nil_threshold
    assert 0.5 < link.probability <= 1
    sure = (Candidate(link.entity, link.probability),)
    assert context_linker(loaded)([example.text]) == [[Mention(*span_of(example), sure)]]
    assert context_linker(loaded)([neither.text]) == [[]]


def tiny_saved(processor):
    return KGBertProcessor(
        processor.tokenizer,
        processor.graph,
        processor.features,
        max_length=40,
        candidates=4,
    )


def span_of(example):
    return example.spans[0].start, example.spans[0].end
