import json

import pytest

from kgbert.cli import main

OBO = """format-version: 1.2
ontology: signs

[Term]
id: EX:1
name: fever

[Term]
id: EX:2
name: patient
is_a: EX:1 ! fever
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signs.obo").write_text(OBO, encoding="utf-8")
    texts = ["A fever.", "The patient.", "None."] * 30
    (tmp_path / "notes.txt").write_text("\n".join(texts), encoding="utf-8")
    return tmp_path


#: "patient" is a common word in medicine alone.
INSPECT = ["inspect", "signs.obo", "--texts", "notes.txt", "--domain-words", "medicine"]


def inspected(capsys, *options):
    assert main([*INSPECT, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "options", [["--stop-names", "patient"], ["--exclude-generic-names"]], ids=["named", "generic"]
)
def test_names_can_be_left_out(options, capsys):
    before, after = inspected(capsys)["coverage"], inspected(capsys, *options)["coverage"]

    assert before["linked_texts"] == 60
    assert after["linked_texts"] == before["stop_list"]["linked_texts"] == 30


def test_json_contains_shape_and_assessment(capsys):
    report = inspected(capsys)

    assert report["shape"]["level_sizes"] == [1, 1]
    assert report["coverage"]["assessment"]["outcome"] == "doubtful"
    assert "rule of thumb" in report["coverage"]["assessment"]["rule"]


def test_the_page_ends_with_the_forecast(capsys):
    main(INSPECT)

    page = " ".join(capsys.readouterr().out.split())
    assert "It is doubtful whether injection helps: 33% of the texts" in page
    assert "Without it 30 texts (33.3%) and 30 mentions are left." in page


def test_no_mention_at_all_is_reported_prominently(workplace, capsys):
    (workplace / "notes.txt").write_text("Dogs bark.\nBirds sing.\n", encoding="utf-8")

    assert main(INSPECT) == 0

    assert "NOTHING WAS LINKED: the texts and the first 2 names have no word in common" in (
        capsys.readouterr().out
    )


def test_a_stop_list_for_a_linker_that_has_none_is_refused(capsys):
    status = main(
        [
            "inspect",
            "signs.obo",
            "--texts",
            "notes.txt",
            "--linker",
            "char-ngram",
            "--stop-names",
            "fever",
        ]
    )

    assert status == 1
    assert "uses no dictionary" in capsys.readouterr().err


def test_a_page_is_written_in_addition_to_the_output(workplace, capsys):
    main([*INSPECT, "--html", "page.html"])

    assert capsys.readouterr().out.endswith("\npage  page.html\n")
    assert "It is doubtful" in (workplace / "page.html").read_text(encoding="utf-8")


def test_json_output_stays_valid_with_a_page(workplace, capsys):
    assert inspected(capsys, "--html", "page.html")["entities"] == 2

    assert (workplace / "page.html").exists()


def test_a_page_that_cannot_be_written_is_one_line(workplace, capsys):
    (workplace / "taken").mkdir()

    assert main(["inspect", "signs.obo", "--html", "taken"]) == 1

    assert capsys.readouterr().err.startswith("kgbert: could not write taken (Is a directory)")


def test_a_merged_graph_is_counted_by_source(workplace, capsys):
    other = OBO.replace("EX:1", "OT:1").replace("EX:2", "OT:2").replace("fever", "hot")
    (workplace / "other.obo").write_text(other + "xref: EX:2\n", encoding="utf-8")
    merging = ["--merge", "other.obo", "--match-on", "xref"]

    main(["inspect", "signs.obo", *merging])
    page = capsys.readouterr().out
    report = inspected(capsys, *merging)

    assert report["sources"] == [["signs.obo", 2, 1], ["other.obo", 2, 1]]
    assert "2 entities and 1 edge: other.obo" in page
    assert report["entities"] == 3


def test_labels_that_are_entities_are_counted_and_grounding_is_recommended(workplace, capsys):
    notes = "text,label\nA fever.,fever\nA patient.,EX:2\nNone.,other\n"
    (workplace / "notes.csv").write_text(notes, encoding="utf-8")

    assert main(["inspect", "signs.obo", "--texts", "notes.csv"]) == 0
    page = capsys.readouterr().out
    assert main(["inspect", "signs.obo", "--texts", "notes.csv", "--json"]) == 0
    labels = json.loads(capsys.readouterr().out)["labels"]

    assert "2 of 3 labels are entities of the graph (1 by id, 1 by name)" in page
    assert "other: missing" in page
    assert "--ground none" in page
    assert {x["label"]: x["entity"] for x in labels} == {
        "EX:2": "EX:2",
        "fever": "EX:1",
        "other": None,
    }


def test_texts_without_labels_get_no_recommendation(capsys):
    main(INSPECT)

    assert "--ground" not in capsys.readouterr().out


def test_labels_that_the_graph_states_are_a_warning(workplace, capsys):
    rows = "text,label\nA fever.,fever\nThe patient.,fever\nNothing.,well\nNone.,dead\n"
    (workplace / "labelled.csv").write_text(rows, encoding="utf-8")
    inspect = ["inspect", "signs.obo", "--texts", "labelled.csv"]

    assert main(inspect) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert main([*inspect, "--json", "--html", "page.html"]) == 0

    named, reached = json.loads(capsys.readouterr().out)["warnings"]
    assert f"Warning: {named} Warning: {reached}" in shown
    assert reached.startswith("For 2 of the 2 texts with a mention")
    assert "For 2 of the 2 texts with a mention" in (workplace / "page.html").read_text()


def test_unlabelled_texts_have_no_warnings(capsys):
    assert "warnings" not in inspected(capsys)
    assert main(INSPECT) == 0
    assert "Warning" not in capsys.readouterr().out
