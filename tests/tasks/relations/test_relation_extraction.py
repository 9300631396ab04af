import json
import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.data import Example, Span, read_examples
from kgbert.models.heads.span_pairs import RelationExtractor, threshold_loss
from kgbert.models.inject import inject_knowledge
from kgbert.models.task_models import KGBertForRelationExtraction
from kgbert.tasks.registry import detect_task
from kgbert.tasks.relations.relation_extraction import (
    NO_RELATION,
    Relation,
    RelationExtraction,
    Relations,
    relation_scores,
)
from kgbert.training.inference import model_outputs
from kgbert.training.pipeline import KGBertPipeline
from tests.support.errors import raises
from tests.support.tiny import (
    config_with,
    perturb,
    tiny_features,
    tiny_graph,
    tiny_processor,
    tiny_tokenizer,
)

TASK = RelationExtraction()

#: Tokenizers that separate texts, and read the first or the last token, and one that does neither.
SOME_FAMILIES = ("bert", "roberta", "deberta-v2", "xlnet", "gpt2")

TEXT = "fever and cough in the lung, no fever"
SPANS = [
    {"id": "T1", "start": 0, "end": 5, "label": "Sign", "entity": "EX:1"},
    {"id": "T2", "start": 10, "end": 15, "label": "Sign", "entity": "EX:2"},
    {"id": "T3", "start": 23, "end": 27, "label": "Place", "entity": "EX:4"},
    {"id": "T4", "start": 32, "end": 37, "label": "Sign", "entity": "EX:1|EX:8"},
]


def row(*relations, **fields):
    return {"id": "a", "text": TEXT, "spans": SPANS, "relations": list(relations)} | fields


def related(*relations, **fields):
    return TASK.read(row(*relations, **fields)).target


def config(*examples):
    space = TASK.label_space(examples)
    known = config_with(space.labels)
    known.task_settings = dict(space.settings)
    return known


@pytest.fixture
def model(fused):
    return lambda examples, family="bert": perturb(
        fused(
            family,
            KGBertForRelationExtraction,
            labels=TASK.label_space(examples).labels,
            task=TASK.name,
            task_settings=dict(TASK.label_space(examples).settings),
        )
    )


@pytest.mark.parametrize(
    "relation",
    [
        ["T1", "T3", "in"],
        ["T1", "in", "T3"],
        [0, 2, "in"],
        {"head": "T1", "tail": "T3", "label": "in"},
        {"arg1_id": "T1", "arg2_id": "T3", "type": "in"},
        {"head": 0, "tail": 2, "relation": "in"},
    ],
)
def test_relations_name_spans_in_several_ways(relation):
    target = related(relation)

    assert target == Relations(frozenset([Relation("T1", "in", "T3")]), "spans")


def test_spans_without_ids_are_counted_in_the_order_of_the_row():
    spans = [{"start": 10, "end": 15, "label": "B"}, {"start": 0, "end": 5, "label": "A"}]

    example = TASK.read({"text": TEXT, "spans": spans, "relations": [[0, 1, "after"]]})

    assert example.target.relations == {Relation("0", "after", "1")}
    assert [(span.id, span.label) for span in example.spans] == [("1", "A"), ("0", "B")]


def test_relations_may_connect_entities_with_all_their_mentions():
    target = related(["EX:1", "in", "EX:4"])

    assert target == Relations(frozenset([Relation("EX:1", "in", "EX:4")]), "entities")


@pytest.mark.parametrize(
    ("relations", "code"),
    [
        ("none", "not-a-list"),
        ([["T1", "T9", "in"]], "unknown-argument"),
        ([["T1", "T3"]], "relation-not-understood"),
        ([["T1", "T3", ""]], "relation-not-understood"),
        ([{"head": "T1", "label": "in"}], "relation-not-understood"),
        ([[True, 2, "in"]], "unknown-argument"),
        ([[0, 9, "in"]], "unknown-argument"),
        ([["T1", "T3", "in"], ["EX:1", "EX:4", "in"]], "mixed-arguments"),
    ],
)
def test_relations_of_another_form_are_refused(relations, code):
    with raises(code):
        TASK.read(row(relations=relations))


def test_two_spans_with_one_id_are_refused():
    with raises("repeated-span-id"):
        TASK.read(row(spans=[*SPANS, SPANS[0]]))


def test_cells_of_a_table_hold_json(tmp_path):
    path = tmp_path / "rows.csv"
    cells = [TEXT, json.dumps(SPANS), '[["T1", "T3", "in"]]']
    quoted = ['"{}"'.format(cell.replace('"', '""')) for cell in cells]
    path.write_text("text,spans,relations\n" + ",".join(quoted) + "\n")

    (example,) = read_examples(path, TASK)

    assert example.target == related(["T1", "T3", "in"])


def test_rows_with_spans_and_relations_are_detected():
    assert detect_task([row()]).name == TASK.name


def test_texts_without_relations_column_cannot_be_learnt():
    unknown = TASK.read({"text": TEXT, "spans": SPANS})

    with raises("missing-relations"):
        TASK.check([TASK.read(row(["T1", "T3", "in"])), unknown])


def test_training_texts_agree_on_what_relations_connect():
    with raises("mixed-arguments"):
        TASK.check([TASK.read(row(["T1", "T3", "in"])), TASK.read(row(["EX:1", "in", "EX:4"]))])


def test_relations_of_types_that_training_does_not_connect_are_counted(caplog):
    train, test = TASK.read(row(["T1", "T3", "in"])), TASK.read(row(["T3", "T1", "in"]))

    with caplog.at_level(logging.WARNING):
        TASK.check([train], [], [test])

    assert "1 of 1 relations connect types" in caplog.text


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_only_pairs_of_related_types_are_candidates(family):
    examples = [TASK.read(row(["T1", "T3", "in"], ["T2", "T3", "in"]))]
    (encoded,) = TASK.encode(examples, tiny_processor(family))

    (targets,) = TASK.targets(encoded, config(*examples))

    # Three signs with one place, of which two are related.
    assert targets[:, 0].sum() == 3
    assert targets[:, 1].sum() == 2


def test_a_pair_may_have_several_relations():
    examples = [TASK.read(row(["T1", "T3", "in"], ["T1", "T3", "near"]))]
    (encoded,) = TASK.encode(examples, tiny_processor())

    (targets,) = TASK.targets(encoded, config(*examples))

    assert sorted(targets.sum(-1).tolist())[-2:] == [1, 3]


def test_texts_without_relations_have_candidates_of_both_kinds():
    examples = [TASK.read(row(["EX:1", "in", "EX:4"])), TASK.read(row())]
    encoded = TASK.encode(examples, tiny_processor())

    counts = [TASK.targets(each, config(*examples))[0][:, 0].sum() for each in encoded]

    # EX:8 is named by a sign as well.
    assert counts == [3, 3]


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_a_long_text_is_read_in_windows_and_keeps_all_pairs(family, model):
    text = "fever " + "and so on " * 40 + "in the lung"
    spans = [Span(0, 5, "Sign", id="T1"), Span(len(text) - 4, len(text), "Place", id="T2")]
    relation = Relation("T1", "in", "T2")
    example = Example(text, Relations(frozenset([relation]), "spans"), tuple(spans))
    fitted, processor = model([example], family), tiny_processor(family)
    (encoded,) = TASK.encode([example], processor)

    (prediction,) = KGBertPipeline(fitted, processor, TASK)([example])
    (targets,) = TASK.targets(encoded, fitted.config)

    assert len(encoded.units) == 1
    assert len(encoded.units[0]) > 2
    assert targets.sum() == 2
    assert prediction.answer <= {relation}


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_texts_of_a_batch_change_no_scores(family, model):
    examples = [
        TASK.read(row(["T1", "T3", "in"])),
        Example("cough", Relations()),
        TASK.read(row(text=TEXT + " and so on" * 40)),
    ]
    fitted, processor = model(examples[:1], family), tiny_processor(family)
    encoded = TASK.encode(examples, processor)

    together = model_outputs(fitted, processor, TASK, encoded)
    alone = model_outputs(fitted, processor, TASK, encoded, batch_size=1)

    for (one,), (other,) in zip(together, alone, strict=True):
        assert np.allclose(one[: len(other)], other, atol=1e-5)
    assert [len(other) for (other,) in alone] == [12, 0, 24]


def test_a_discontinuous_span_is_pooled_from_its_own_tokens(model):
    whole = {"id": "T1", "start": 0, "end": 15, "label": "Sign"}
    parts = {"id": "T1", "fragments": [[10, 15], [0, 5]], "label": "Sign"}
    rows = [
        row(["T1", "T3", "in"], spans=[first, SPANS[2]])
        for first in (whole, parts, parts | {"fragments": [[0, 15]]})
    ]
    examples = read_examples(rows, TASK)
    fitted, processor = model(examples[:1]), tiny_processor()

    scores = [
        x[0] for x in model_outputs(fitted, processor, TASK, TASK.encode(examples, processor))
    ]

    assert not np.allclose(scores[0], scores[1], atol=1e-4)
    assert np.allclose(scores[0], scores[2])
    assert examples[1].spans[0].words(TEXT) == "fever ... cough"


def test_a_gradient_reaches_the_tokens_of_both_arguments(fused):
    examples = [TASK.read(row(["T1", "T3", "in"]))]
    model = fused("bert", KGBertForRelationExtraction, labels=TASK.label_space(examples).labels)
    processor = tiny_processor()
    batch = TASK.collate(TASK.encode(examples, processor)[0].units, processor, 0)
    embedded = model.backbone.base_model.embeddings.word_embeddings(batch.pop("input_ids"))
    embedded = embedded.detach().requires_grad_()

    model(inputs_embeds=embedded, **batch).logits.sum().backward()

    assert embedded.grad.abs().sum(-1).gt(0).all()


def test_the_loss_ignores_pairs_that_are_no_candidates():
    logits = torch.randn(1, 3, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[[1, 0, 1], [0, 1, 0], [1, 0, 0]]])
    other = logits.clone()
    other[0, 1] = 9.0

    assert torch.equal(threshold_loss(logits, labels), threshold_loss(other, labels))
    assert threshold_loss(logits, torch.zeros_like(labels)) == 0


def test_the_loss_falls_where_labels_are_above_none_and_others_below():
    labels = torch.tensor([[[1, 0, 1, 1]]])
    right, wrong = torch.tensor([[[0.0, -5, 5, 5]]]), torch.tensor([[[0.0, 5, 5, -5]]])

    assert threshold_loss(right, labels) < 1 < threshold_loss(wrong, labels)


def test_the_threshold_is_chosen_on_validation(model):
    examples = [TASK.read(row(["T1", "T3", "in"])), TASK.read(row(["T2", "T3", "in"]))]
    fitted, processor = model(examples), tiny_processor()
    encoded = TASK.encode(examples, processor)
    outputs = [
        [np.stack([np.zeros(12), np.where(TASK.targets(x, fitted.config)[0][:, 1], -2.0, -4.0)], 1)]
        for x in encoded
    ]

    def answers():
        return [
            TASK.decode(x, y, fitted.config, tiny_graph()).answer
            for x, y in zip(outputs, encoded, strict=True)
        ]

    gold = [TASK.gold(each, tiny_graph()) for each in encoded]

    before = TASK.score(gold, answers())["f1"]
    TASK.calibrate(outputs, encoded, fitted.config, tiny_graph())

    assert (before, TASK.score(gold, answers())["f1"]) == (0, 1)


def test_a_model_of_spans_refuses_relations_of_entities(model):
    fitted, processor = model([TASK.read(row(["T1", "T3", "in"]))]), tiny_processor()

    with raises("other-arguments"):
        KGBertPipeline(fitted, processor, TASK)([TASK.read(row(["EX:1", "in", "EX:4"]))])


def test_predictions_show_both_arguments(model):
    fitted, processor = model([TASK.read(row(["T1", "T3", "in"]))]), tiny_processor()
    fitted.config.task_settings["threshold"] = 1e-9

    (prediction,) = KGBertPipeline(fitted, processor, TASK)([row()])

    assert any(
        line.startswith("fever (Sign T1)  in  lung (Place T3)  (") for line in prediction.lines()
    )


def test_a_plain_relation_extractor_reads_the_graph_after_injection(plain_folder):
    plain = RelationExtractor.from_pretrained(
        plain_folder("bert", KGBertForRelationExtraction),
        id2label={0: NO_RELATION, 1: "in"},
        label2id={NO_RELATION: 0, "in": 1},
        ignore_mismatched_sizes=True,
    ).eval()
    graph = tiny_graph()

    fused = inject_knowledge(
        plain, graph, tokenizer=tiny_tokenizer("bert"), features=tiny_features(graph)
    )

    assert isinstance(fused, KGBertForRelationExtraction)
    batch = TASK.collate(
        TASK.encode([TASK.read(row())], fused.processor)[0].units, fused.processor, 0
    )
    own = {
        name: batch[name]
        for name in batch
        if name.split("_")[0] not in ("link", "node", "edge", "hop", "table")
    }
    assert torch.equal(fused(**batch).logits, plain(**own).logits)


relations = st.frozensets(
    st.builds(Relation, st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from("cd"))
)


def _counted(gold, predicted):
    """Count as an evaluation script does: triple by triple."""
    right = missed = wrong = 0
    for own, given_ in zip(gold, predicted, strict=True):
        expected = [(x.head, x.label, x.tail) for x in own]
        for x in given_:
            if (x.head, x.label, x.tail) in expected:
                right += 1
                expected.remove((x.head, x.label, x.tail))
            else:
                wrong += 1
        missed += len(expected)
    precision = right / (right + wrong) if right + wrong else 0.0
    recall = right / (right + missed) if right + missed else 0.0
    total = precision + recall
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / total if total else 0.0,
    }


@given(st.lists(st.tuples(relations, relations), max_size=5))
def test_scores_equal_those_of_counting_triples(pairs):
    gold, predicted = [x for x, _ in pairs], [y for _, y in pairs]

    scores = relation_scores(gold, predicted)

    for name, value in _counted(gold, predicted).items():
        assert scores[name] == pytest.approx(value)


def test_scores_of_a_label_are_those_of_its_slice(model):
    train = [TASK.read(row(["T1", "T3", "in"], ["T2", "T3", "near"]))]
    encoded = TASK.encode(train, tiny_processor())
    gold = [TASK.gold(each, tiny_graph()) for each in encoded]
    predicted = [frozenset([Relation("T1", "in", "T3"), Relation("T1", "near", "T3")])]

    scores = {
        part.name: TASK.score(*([part.view(0, x[0])] for x in (gold, predicted)))["f1"]
        for part in TASK.slices(train, encoded)
    }

    assert (scores["class: in"], scores["class: near"]) == (1, 0)
    assert scores["related in training"] == 0.5


def test_reports_quote_the_words_of_relations():
    (encoded,) = TASK.encode([TASK.read(row(["EX:1", "in", "EX:4"]))], tiny_processor())

    assert (
        TASK.quote(TASK.gold(encoded, tiny_graph())) == "fever (Sign EX:1)  in  lung (Place EX:4)"
    )
    assert TASK.quote(frozenset()) == NO_RELATION
