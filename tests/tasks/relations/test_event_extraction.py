import json
import logging

import numpy as np
import pytest
import torch

from kgbert.data import Example, Span
from kgbert.models.heads.events import EventExtractor
from kgbert.models.inject import inject_knowledge
from kgbert.models.task_models import KGBertForEventExtraction
from kgbert.tasks.registry import detect_task
from kgbert.tasks.relations.event_extraction import EventExtraction, targets_of
from kgbert.tasks.relations.events.annotation import AnnotatedEvents
from kgbert.tasks.relations.events.assembly import MAX_DEPTH, EventRules, ScoredArgument, assemble
from kgbert.tasks.relations.events.scores import EventsAnswer, event_scores, matches
from kgbert.tasks.relations.events.tree import Argument, Event, Filler, top_level
from kgbert.training.dataset import KGBertCollator, TrainingExamples
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

TASK = EventExtraction()

#: Tokenizers that separate texts, and read the first or the last token, and one that does neither.
SOME_FAMILIES = ("bert", "roberta", "deberta-v2", "xlnet", "gpt2")

TEXT = "fever inhibits strong binding of cough to lung"
SPANS = [
    {"id": "T1", "start": 0, "end": 5, "label": "Gene"},
    {"id": "T2", "start": 33, "end": 38, "label": "Gene"},
    {"id": "T3", "start": 42, "end": 46, "label": "Site"},
]
TRIGGERS = [
    {"id": "T4", "start": 6, "end": 14, "label": "Regulation"},
    {"id": "T5", "start": 22, "end": 29, "label": "Binding"},
]
BINDING = {"id": "E1", "type": "Binding", "trigger": "T5", "args": [["Theme", "T2"], ["To", "T3"]]}
INHIBITION = {
    "id": "E2",
    "type": "Regulation",
    "trigger": "T4",
    "args": [["Cause", "T1"], ["Theme", "E1"]],
}
ROW = {"text": TEXT, "spans": SPANS, "triggers": TRIGGERS, "events": [BINDING, INHIBITION]}

THEME, SITE, CAUSE = Filler(33, 38, "Gene"), Filler(42, 46, "Site"), Filler(0, 5, "Gene")
BOUND = Event.of("Binding", 22, 29, [Argument("Theme", THEME), Argument("To", SITE)])
INHIBITED = Event.of("Regulation", 6, 14, [Argument("Cause", CAUSE), Argument("Theme", BOUND)])


def config(*examples):
    space = TASK.label_space(examples)
    known = config_with(space.labels)
    known.task_settings = dict(space.settings)
    return known


def answer(*events, triggers=None):
    own = {Filler(x.start, x.end, x.label) for x in events} if triggers is None else triggers
    return EventsAnswer(frozenset(own), frozenset(events), TEXT)


@pytest.fixture
def example():
    return TASK.read(ROW)


@pytest.fixture
def model(fused, example):
    space = TASK.label_space([example])
    return lambda family="bert": perturb(
        fused(
            family,
            KGBertForEventExtraction,
            labels=space.labels,
            task=TASK.name,
            task_settings=dict(space.settings),
        )
    )


def test_events_may_be_arguments_of_events(example):
    assert example.target.trees(example.spans) == [BOUND, INHIBITED]
    assert INHIBITED.depth == 2


def test_rows_with_triggers_and_events_are_detected():
    assert detect_task([ROW]).name == TASK.name


def test_cells_of_a_table_hold_json(example):
    cells = {name: x if name == "text" else json.dumps(x) for name, x in ROW.items()}

    assert TASK.read(cells).target == example.target


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"events": "none"}, "not-a-list"),
        ({"events": [["Binding", "T5"]]}, "event-not-understood"),
        ({"events": [BINDING | {"args": [["Theme"]]}]}, "event-not-understood"),
        ({"events": [BINDING | {"trigger": "T1"}]}, "unknown-trigger"),
        ({"events": [BINDING | {"type": "Bind"}]}, "event-of-another-type"),
        ({"events": [INHIBITION]}, "unknown-argument"),
        ({"events": [BINDING, BINDING]}, "repeated-event-id"),
        ({"events": [BINDING | {"args": [["Theme", "E1"]]}]}, "cyclic-events"),
        ({"triggers": [TRIGGERS[0] | {"end": 99}, TRIGGERS[1]]}, "span-outside-text"),
        ({"triggers": [TRIGGERS[0], TRIGGERS[0]]}, "repeated-span-id"),
    ],
)
def test_wrong_events_are_refused(change, code):
    with raises(code):
        TASK.read(ROW | change)


def test_texts_without_events_column_cannot_be_learnt(example):
    unknown = TASK.read({"text": TEXT, "spans": SPANS})

    with raises("missing-events"):
        TASK.check([example, unknown])


def test_what_tags_cannot_express_and_modifications_are_counted(caplog):
    triggers = [*TRIGGERS, {"id": "T6", "start": 15, "end": 29, "label": "Binding"}]
    changed = TASK.read(ROW | {"triggers": triggers, "events": [BINDING | {"negation": True}]})

    with caplog.at_level(logging.WARNING):
        TASK.check([changed])

    assert "1 of 3 triggers overlap" in caplog.text
    assert "1 events are negated or speculated" in caplog.text


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_right_outputs_give_the_gold_events(family, example):
    known = config(example)
    (encoded,) = TASK.encode([example], tiny_processor(family))
    targets = targets_of(encoded, known)
    tags = np.eye(len(known.id2label))[targets.tags]
    table = np.zeros((500, len(known.id2label)))
    rows = [
        tags,
        np.array(targets.triggers),
        targets.arguments.reshape(-1, 4) * [0, 9, 9, 9] - [4, 0, 0, 0],
    ]
    table[0, 0], place = len(targets.triggers), 1
    for block in rows:
        table[place : place + len(block), : block.shape[1]] = block
        place += len(block)
    table[1 + len(tags) + 2 : place, 0] = 4

    predicted = TASK.decode([table], encoded, known, tiny_graph()).answer

    assert TASK.is_correct(TASK.gold(encoded, tiny_graph()), predicted)


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_texts_of_a_batch_change_no_scores(family, model, example):
    examples = [
        example,
        Example("cough", AnnotatedEvents()),
        TASK.read(ROW | {"text": TEXT + " and so on" * 40}),
    ]
    fitted, processor = model(family), tiny_processor(family)
    encoded = TASK.encode(examples, processor)

    together = model_outputs(fitted, processor, TASK, encoded)
    alone = model_outputs(fitted, processor, TASK, encoded, batch_size=1)

    assert len(encoded[2].units[0]) > 2
    for (one,), (other,) in zip(together, alone, strict=True):
        assert np.allclose(one[: len(other)], other, atol=1e-5)


def test_the_loss_does_not_depend_on_padding(model, example):
    other = TASK.read(ROW | {"text": TEXT + " and so on" * 20})
    fitted, processor = model(), tiny_processor()
    items = TrainingExamples(TASK, processor, [example, other], fitted.config)
    collate = KGBertCollator(TASK, processor)

    alone = [fitted(**collate([items[place]])) for place in range(2)]
    both = fitted(**collate([items[0], items[1]]))

    scores = both.argument_logits[0, :2]
    assert torch.allclose(scores[:, :5], alone[0].argument_logits[0], atol=1e-5)
    assert both.loss.isfinite()


def test_predictions_are_trees(model, example):
    fitted, processor = model(), tiny_processor()

    (prediction,) = KGBertPipeline(fitted, processor, TASK)([{"text": TEXT, "spans": SPANS}])

    assert prediction.text == TEXT
    assert list(INHIBITED.lines(TEXT)) == [
        "Regulation 'inhibits' 6-14",
        "  Cause: fever (Gene 0-5)",
        "  Theme: Binding 'binding' 22-29",
        "    Theme: cough (Gene 33-38)",
        "    To: lung (Site 42-46)",
    ]
    assert top_level([BOUND, INHIBITED]) == [INHIBITED]


def test_a_plain_event_extractor_reads_the_graph_after_injection(plain_folder, example):
    labels = TASK.label_space([example]).labels
    plain = EventExtractor.from_pretrained(
        plain_folder("bert", KGBertForEventExtraction),
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
        ignore_mismatched_sizes=True,
    ).eval()
    graph = tiny_graph()

    fused = inject_knowledge(
        plain, graph, tokenizer=tiny_tokenizer("bert"), features=tiny_features(graph)
    )

    assert isinstance(fused, KGBertForEventExtraction)
    batch = TASK.collate(TASK.encode([example], fused.processor)[0].units, fused.processor, 0)
    with fused.without_knowledge():
        assert torch.equal(fused(**batch).logits, fused(**batch).logits)


RULES = EventRules.learn([(TASK.read(ROW).target, TASK.read(ROW).spans)])


def spans_and_triggers():
    example = TASK.read(ROW)
    return list(example.target.triggers), example.spans


def test_rules_survive_json():
    assert EventRules.from_settings(json.loads(json.dumps(RULES.to_settings()))) == RULES


def test_arguments_are_assembled_to_nested_events():
    triggers, spans = spans_and_triggers()
    arguments = [
        ScoredArgument(1, "Theme", 1, False, 0.9),
        ScoredArgument(1, "To", 2, False, 0.8),
        ScoredArgument(0, "Cause", 0, False, 0.7),
        ScoredArgument(0, "Theme", 1, True, 0.6),
    ]

    events = assemble(triggers, spans, arguments, RULES)

    assert set(events) == {BOUND, INHIBITED}
    assert {event.label: event.probability for event in events} == {
        "Regulation": 0.6,
        "Binding": 0.8,
    }


def test_arguments_that_training_lacks_are_left_out():
    triggers, spans = spans_and_triggers()
    good = [ScoredArgument(1, "Theme", 1, False, 0.9), ScoredArgument(1, "To", 2, False, 0.8)]
    # A site is no theme, a regulation no theme of a binding, and a second cause never occurs.
    bad = [ScoredArgument(1, "Theme", 2, False, 1.0), ScoredArgument(1, "Theme", 0, True, 1.0)]

    assert assemble(triggers, spans, good + bad, RULES) == [BOUND]


def test_a_trigger_without_the_arguments_of_its_type_has_no_event():
    triggers, spans = spans_and_triggers()

    assert assemble(triggers, spans, [ScoredArgument(1, "To", 2, False, 0.8)], RULES) == []


def test_an_event_is_no_argument_of_itself():
    span, other = Span(0, 1, "A"), Span(2, 3, "A")
    rules = EventRules({"A": ((), ("Theme",))}, frozenset(), frozenset({("A", "Theme", "A")}))
    arguments = [ScoredArgument(0, "Theme", 1, True, 0.9), ScoredArgument(1, "Theme", 0, True, 0.8)]

    events = assemble([span, other], [], arguments, rules)

    assert sorted(event.depth for event in events) == [1, 2]


def test_a_long_chain_of_nested_events_takes_little_time():
    spans = [Span(n, n + 1, "A") for n in range(40)]
    roles = ("Cause", "Theme")
    fillers = frozenset(("A", role, "A") for role in roles)
    rules = EventRules({"A": ((), roles)}, frozenset(), fillers)
    arguments = [ScoredArgument(n, role, n + 1, True, 0.9) for n in range(39) for role in roles]

    events = assemble(spans, [], arguments, rules)

    assert max(event.depth for event in events) == MAX_DEPTH


@pytest.mark.parametrize(("is_joint", "count"), [(True, 1), (False, 2)])
def test_two_fillers_are_one_event_or_two_as_in_training(is_joint, count):
    themes = [["Theme", "T1"], ["Theme", "T2"]]
    events = [
        BINDING | {"id": f"E{i}", "args": x}
        for i, x in enumerate([themes] if is_joint else [[x] for x in themes])
    ]
    example = TASK.read(ROW | {"events": events})
    rules = EventRules.learn([(example.target, example.spans)])
    arguments = [ScoredArgument(1, "Theme", place, False, 0.9) for place in (0, 1)]

    found = assemble(list(example.target.triggers), example.spans, arguments, rules)

    assert set(found) == set(example.target.trees(example.spans))
    assert len(found) == count


def test_scores_of_exact_events_count_all_arguments():
    wrong = Event.of("Binding", 22, 29, [Argument("Theme", THEME)])
    over = Event.of("Regulation", 6, 14, [Argument("Cause", CAUSE), Argument("Theme", wrong)])

    scores = event_scores([answer(BOUND, INHIBITED)], [answer(BOUND, over)])

    # The regulation of another event is another event, but approximately only its theme counts.
    assert scores["event_f1"] == 0.5
    assert scores["event_f1_approximate"] == 1
    assert scores["trigger_f1"] == scores["argument_f1"] == 1


def test_approximate_triggers_may_have_one_word_more_on_each_side():
    arguments = BOUND.arguments
    near = Event.of("Binding", 15, 32, arguments)
    far = Event.of("Binding", 6, 29, arguments)

    assert matches(BOUND, near, TEXT)
    assert not matches(BOUND, far, TEXT)
    assert event_scores([answer(BOUND)], [answer(near)])["event_f1"] == 0


def test_each_argument_is_matched_once():
    twice = Event.of("Binding", 22, 29, [Argument("Theme", THEME), Argument("Theme", CAUSE)])
    same = Event.of("Binding", 22, 29, [Argument("Theme", THEME), Argument("Theme", THEME)])

    assert matches(twice, twice, TEXT)
    assert not matches(twice, same, TEXT)


def test_equivalent_spans_may_be_exchanged():
    example = TASK.read(ROW | {"equiv": [["T2", "T1"]]})
    (encoded,) = TASK.encode([example], tiny_processor())
    other = Event.of("Binding", 22, 29, [Argument("Theme", CAUSE), Argument("To", SITE)])

    gold = TASK.gold(encoded, tiny_graph())

    assert event_scores([gold], [answer(other, INHIBITED)])["event_f1"] == 1
    assert TASK.is_correct(gold, answer(other, INHIBITED))


def test_slices_separate_events_of_events(example):
    encoded = TASK.encode([example], tiny_processor())
    gold = [TASK.gold(each, tiny_graph()) for each in encoded]

    scores = {
        part.name: TASK.score([part.view(0, gold[0])], [part.view(0, answer(BOUND))])["event_f1"]
        for part in TASK.slices([], encoded)
    }

    assert scores == {
        "events of spans": 1,
        "events of events": 0,
        "class: Binding": 1,
        "class: Regulation": 0,
    }


def test_reports_quote_events():
    assert TASK.quote(answer(BOUND)).startswith("Binding 'binding' 22-29 Theme: cough")
    assert TASK.quote(answer()) == "no event"
