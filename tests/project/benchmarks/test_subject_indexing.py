import json
import stat
import sys

import numpy as np
import pytest

from benchmarks.grounding.annif import Annif, associative, ensemble, lexical
from benchmarks.grounding.subject_indexing import _run
from benchmarks.grounding.subject_rivals import Attempt, Inputs, dictionary, linear, neighbours
from benchmarks.grounding.subject_scores import choose_threshold, measure
from benchmarks.grounding.subjects import CORPORA, Corpus
from benchmarks.grounding.tables import permutation_test, subject_indexing_tables

TERMS = {
    "DOID:1": ("gout", ("MESH:D1",)),
    "DOID:2": ("asthma", ("MESH:D2", "OMIM:7")),
    "DOID:3": ("arthritis", ("MESH:D3",)),
    "DOID:4": ("joint disease", ("MESH:D3",)),
}

#: What a command does that behaves like Annif.
COMMAND = """#!{python}
import sys
if sys.argv[1] == "--version":
    print("1.0")
if sys.argv[1] == "suggest":
    print("a warning")
    for name in sys.argv[5:]:
        print(f"Suggestions for {{name}}")
        print("<http://example.org/DOID_1>\\tgout\\t0.75")
"""


@pytest.fixture
def corpus(tmp_path):
    graph = tmp_path / "graphs" / CORPORA["ncbi_disease"][0]
    graph.parent.mkdir(parents=True)
    lines = ["format-version: 1.2", ""]
    for identifier, (name, references) in TERMS.items():
        lines += ["[Term]", f"id: {identifier}", f"name: {name}"]
        lines += [f"xref: {reference}" for reference in references]
        lines += ["is_a: DOID:4"] if identifier in ("DOID:1", "DOID:3") else []
        lines.append("")
    graph.write_text("\n".join(lines), encoding="utf-8")
    folder = tmp_path / "tasks" / "ncbi_disease"
    folder.mkdir(parents=True)
    for part in ("train", "validation", "test"):
        records = [
            {"id": f"{part}{n}{name}", "text": f"a {name} {n}", "spans": [{"entity": entity}]}
            for n in range(4)
            for name, entity in (("gout", "D1|D9"), ("asthma", "OMIM:7"), ("arthritis", "D3"))
        ]
        text = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{part}.jsonl").write_text(text, encoding="utf-8")
    return Corpus("ncbi_disease", tmp_path)


@pytest.fixture
def inputs(corpus, monkeypatch):
    monkeypatch.setitem(CORPORA, "ncbi_disease", (CORPORA["ncbi_disease"][0], (10, 6, 12)))
    inputs = Inputs(corpus)
    inputs.split = corpus.split(0)
    return inputs


def test_labels_are_the_terms_that_exactly_one_reference_names(inputs):
    split, other = inputs.split, inputs.corpus.split(1)

    assert inputs.corpus.labels == tuple(TERMS)
    gold = {"gout": ("DOID:1",), "asthma": ("DOID:2",), "arthritis": ()}
    assert all(x.target == gold[x.text.split()[1]] for part in split.parts() for x in part)
    assert [x.text for x in split.test] == [x.text for x in other.test]
    assert {x.id for x in split.train}.isdisjoint(x.id for x in split.validation)
    assert {x.id for x in split.train} != {x.id for x in other.train}


@pytest.mark.parametrize("system", [neighbours, linear, dictionary])
def test_words_tell_the_labels(inputs, system):
    found = _run(inputs, system(inputs, 0))

    assert found["test"]["recall"] == 1
    assert len(found["counts"]) == 12
    assert all(given >= right for right, given, _ in found["counts"])


def test_annif_gets_the_labels_and_its_suggestions_are_read(inputs, tmp_path):
    command = tmp_path / "annif"
    command.write_text(COMMAND.format(python=sys.executable), encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    annif = Annif(str(command), tmp_path / "annif-data")
    annif.load(inputs.corpus)

    (first,), (second,) = lexical(annif, inputs), associative(annif, inputs)

    assert annif.version() == "1.0"
    assert first.test == 12 * [{"DOID:1": 0.75}]
    vocabulary = (annif.folder / "vocabulary.ttl").read_text(encoding="utf-8")
    assert '<http://example.org/DOID_1> a skos:Concept ; skos:prefLabel "gout"@en .' in vocabulary
    assert "<http://example.org/DOID_1> skos:broader <http://example.org/DOID_4> ." in vocabulary
    other = Attempt("", second.validation, [{"DOID:2": 0.5}] * 12)
    assert next(ensemble([first, other])).test[0] == {"DOID:1": 0.375, "DOID:2": 0.25}


def test_a_threshold_is_not_lowered_for_labels_that_have_no_score():
    rankings, gold = [{"a": 0.9, "b": 0.2}], [{"a", "c", "d", "e"}]

    assert choose_threshold(rankings, gold) == pytest.approx(0.55)
    scores = measure(rankings, gold, 0.55, trained={"a", "b"})
    assert scores["micro_f1"] == pytest.approx(2 / 5)
    assert scores["f1_unseen"] == 0
    assert scores["ndcg_at_10"] == pytest.approx(1 / sum((1, 0.63093, 0.5, 0.43068)), abs=1e-4)


def test_answers_that_are_as_often_right_do_not_differ():
    first = [[[1, 1, 1], [0, 1, 1]] * 10]
    second = [[[0, 1, 1], [1, 1, 1]] * 10]

    difference, p = permutation_test(np.array(first), np.array(second))

    assert difference == 0
    assert p == 1


def test_systems_are_compared_over_their_common_seeds():
    def run(system, seed, right):
        scores = dict.fromkeys(
            ("micro_f1", "precision", "recall", "f1_unseen", "ndcg_at_10"), right / 10
        )
        counts = [[int(n < right), 1, 1] for n in range(10)]
        return {
            "corpus": "c", "system": system, "seed": seed, "test": scores, "counts": counts
        }  # fmt: skip

    runs = [run("kgbert", seed, 9) for seed in range(2)] + [run("dictionary", 0, 1)]
    lines = subject_indexing_tables(
        {
            "texts": {"c": (3, 2, 10)},
            "encoder": "tiny",
            "annif": "1.0",
            "versions": {"torch": "2.0"},
            "hardware": {"processor": "2 x z80"},
            "finished": "2026-01-02T03:04:05+0000",
            "runs": runs,
        }
    ).splitlines()

    assert "| kgbert | 90.0 | 90.0 | 90.0 | 90.0 | 90.0 |  |  | 2 |" in lines
    (row,) = [line for line in lines if line.startswith("| dictionary")]
    assert row.startswith("| dictionary | 10.0 | 10.0 | 10.0 | 10.0 | 10.0 | +80.0 | 0.0")
