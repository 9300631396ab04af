import json
import re

from kgbert.cli import main
from tests.cli.commands.test_compare import encoder, typed, workplace  # noqa: F401 - fixtures

WORDS = ("fever", "lung", "pneumonia")


def test_relation_classification_trains_and_predicts(workplace, capsys):  # noqa: F811
    rows = [
        (f"{WORDS[i % 3]} and {WORDS[(i + 1) % 3]} {i}", i % 2, WORDS[i % 3], WORDS[(i + 1) % 3])
        for i in range(40)
    ]
    header = "text,label,head_start,head_end,tail_start,tail_end\n"
    lines = [
        f"{text},{('left', 'right')[label]},0,{len(head)},{len(head) + 5},"
        f"{len(head) + 5 + len(tail)}\n"
        for text, label, head, tail in rows
    ]
    (workplace / "notes.csv").write_text(header + "".join(lines), encoding="utf-8")

    assert typed("train", "--output", "model") == 0
    assert main(["predict", "model", "notes.csv"]) == 0
    answered = capsys.readouterr().out
    assert main(["predict", "model", "fever and lung"]) == 1

    assert len(re.findall(r"label (left|right)  \(\d+%\)", answered)) == 40
    assert "the positions of head and tail are missing" in capsys.readouterr().err


def test_entity_linking_trains_on_spans_and_predicts(workplace, capsys):  # noqa: F811
    ids = {"fever": "EX:1", "lung": "EX:2", "pneumonia": "EX:0"}
    records = [
        {
            "text": f"{WORDS[i % 3]} {i}",
            "spans": [
                {"start": 0, "end": len(WORDS[i % 3]), "label": "Sign", "entity": ids[WORDS[i % 3]]}
            ],
        }
        for i in range(40)
    ]
    lines = "\n".join(map(json.dumps, records))
    (workplace / "notes.jsonl").write_text(lines, encoding="utf-8")

    assert typed("train", "--task", "entity-linking", "--output", "model", texts="notes.jsonl") == 0
    trained = capsys.readouterr()
    assert main(["predict", "model", "fever of the lung"]) == 0

    answered = capsys.readouterr().out
    assert trained.err == ""
    assert re.search(r"Test accuracy in graph +1\.000", trained.out)
    assert re.search(r"0-5  fever  means fever \(EX:1\)  \(\d+%\)", answered)
