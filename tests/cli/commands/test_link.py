import json
import re

import pytest

from kgbert.cli import main
from kgbert.cli.commands.link import FORMATS

OBO = """format-version: 1.2
ontology: signs

[Term]
id: EX:1
name: Fever
synonym: "High temperature" EXACT []

[Term]
id: EX:2
name: Skin tumors

[Term]
id: EX:3
name: Skin tumor
"""

TEXT = "High temperatures & a skin tumour <b>."


@pytest.fixture
def obo(tmp_path):
    path = tmp_path / "signs.obo"
    path.write_text(OBO, encoding="utf-8")
    return str(path)


def test_table_shows_every_candidate_with_the_name_and_the_rules_behind_it(obo, capsys):
    main(["link", obo, TEXT])

    _, fever, chosen, other, _ = capsys.readouterr().out.splitlines()
    assert fever.split("→")[1].split(maxsplit=2) == [
        "Fever",
        "(EX:1)",
        "0.93  plural, as 'High temperature'",
    ]
    assert re.search(r"22-33 .*→  Skin tumor \(EX:3\) .* spelling$", chosen)
    assert "→" not in other
    assert re.search(r"Skin tumors \(EX:2\) .* spelling, plural$", other)


def test_jsonl_contains_the_chosen_entity_and_the_matching_rule(obo, capsys):
    main(["link", obo, TEXT, "--output-format", "jsonl"])

    record = json.loads(capsys.readouterr().out)
    fever, skin = record["mentions"]
    assert (fever["chosen"], skin["chosen"]) == ("EX:1", "EX:3")
    assert [candidate["how"] for candidate in skin["candidates"]] == [
        "spelling",
        "spelling, plural",
    ]
    assert fever["candidates"][0]["matched"] == "High temperature"


@pytest.mark.parametrize(
    ("name", "begin"),
    [("out.html", "<!doctype html>"), ("out.JSONL", '{"id"'), ("out.txt", "High temperatures")],
)
def test_file_is_written_as_it_is_named(obo, tmp_path, capsys, name, begin):
    assert main(["link", obo, TEXT, "-o", str(tmp_path / name)]) == 0

    assert capsys.readouterr().out == f"written to {tmp_path / name}\n"
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)


def test_the_output_format_option_overrides_the_file_suffix(obo, tmp_path):
    path = tmp_path / "out.html"

    main(["link", obo, TEXT, "--json", "-o", str(path)])

    assert json.loads(path.read_text())["text"] == TEXT


@pytest.mark.parametrize("name", FORMATS)
def test_texts_without_a_mention_can_be_shown(obo, capsys, name):
    assert main(["link", obo, "nothing here", "--output-format", name]) == 0

    assert "nothing here" in capsys.readouterr().out


def test_unknown_way_is_answered_before_the_graph_is_read(capsys):
    assert main(["link", "missing.obo", "x", "--output-format", "htlm"]) == 1

    assert "did you mean 'html'? Known: html, jsonl, table" in capsys.readouterr().err


def test_a_stop_name_is_not_linked_and_explained(obo, capsys):
    main(
        [
            "link",
            obo,
            TEXT,
            "--output-format",
            "jsonl",
            "--stop-names",
            "high temperatures,skin tumour",
        ]
    )
    linked = json.loads(capsys.readouterr().out)
    main(["link", obo, TEXT, "--stop-names", "high temperatures", "--explain", "High temperature"])

    assert linked["mentions"] == []
    assert "stop name" in capsys.readouterr().out


def test_why_asks_a_dictionary(obo, capsys):
    assert main(["link", obo, TEXT, "--linker", "char-ngram", "--explain", "Fever"]) == 1

    assert "leave --linker out" in capsys.readouterr().err


def test_rules_are_switched_off(obo, capsys):
    main(["link", obo, TEXT, "--disable-rules", "plural, spelling"])

    assert capsys.readouterr().out.splitlines()[-1].startswith("0 mentions")


def test_the_reason_is_that_of_the_rules_left(obo, capsys):
    main(["link", obo, "fevers", "--explain", "Fever", "--disable-rules", "all"])

    assert "if the rule 'plural' were switched on" in capsys.readouterr().out


def test_typos_are_forgiven_on_demand(obo, capsys):
    main(["link", obo, "a fevre", "--fuzzy-min-length", "5"])

    assert "(EX:1)" in capsys.readouterr().out


def test_fewer_candidates_are_kept_on_demand(obo, capsys):
    main(["link", obo, "skin tumour", "--candidates", "1", "--overlaps", "nested"])

    assert "EX:2" not in capsys.readouterr().out


def test_a_linker_without_a_dictionary_has_no_rules(obo, capsys):
    assert main(["link", obo, TEXT, "--linker", "char-ngram", "--overlaps", "nested"]) == 1

    assert "uses no dictionary" in capsys.readouterr().err


def test_an_empty_name_cannot_be_explained(obo, capsys):
    assert main(["link", obo, TEXT, "--explain", ""]) == 1

    assert "contains no word" in capsys.readouterr().err


def test_columns_stand_in_line_where_letters_are_wide(tmp_path, capsys):
    (tmp_path / "names.csv").write_text("id,label\nE:1,発熱\nE:2,cough\n", encoding="utf-8")

    main(["link", str(tmp_path / "names.csv"), "発熱 cough"])

    _, fever, cough, _ = capsys.readouterr().out.splitlines()
    assert len(fever.split("→")[0]) + 2 == len(cough.split("→")[0])


@pytest.mark.parametrize("output_format", ["table", "html"])
def test_names_that_cannot_occur_in_texts_are_reported(tmp_path, capsys, output_format):
    path = tmp_path / "edges.csv"
    path.write_text("child,parent\nD01,D02\n", encoding="utf-8")

    main(["link", str(path), "a fever", "--output-format", output_format])

    output = capsys.readouterr().out
    assert "0 mentions in 0 of 1 text, by the 2 names of" in output
    assert "which texts do not contain; merge the file that names its entities: --merge" in output


def test_a_text_without_mentions_needs_no_reason_where_names_are_words(obo, capsys):
    main(["link", obo, "nothing"])

    assert capsys.readouterr().out.endswith(f"0 mentions in 0 of 1 text, by the 4 names of {obo}\n")
