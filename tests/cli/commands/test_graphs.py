from pathlib import Path

import pytest

from kgbert.cli import main
from kgbert.graph.cards import list_cards

OBO = """format-version: 1.2
ontology: signs

[Term]
id: EX:1
name: fever
synonym: "fièvre" EXACT []

[Term]
id: EX:2
name: chill
is_a: EX:1 ! fever
relationship: part_of EX:1
"""

CARD = """\
name = "Signs"
about = "A test."
page = "https://a.org"
licence = "secret"
licence_page = "https://a.org/licence"
shareable = false
files = "signs.obo"
formats = ["obo"]
size = "2 entities"

[options]
relations = ["is_a"]
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signs.obo").write_text(OBO, encoding="utf-8")
    (tmp_path / "signs.toml").write_text(CARD, encoding="utf-8")


def shown(capsys, *arguments):
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_every_card_is_listed_with_its_licence_and_formats(capsys):
    words = " ".join(shown(capsys, "graphs").split())

    for name, card in list_cards().items():
        assert f"{name} {card.name}. {card.about}" in words
        assert f"{card.size}; {', '.join(card.formats)}; {card.licence}" in words


@pytest.mark.parametrize("name", list_cards())
def test_a_card_is_shown_with_what_to_type(name, capsys):
    page = shown(capsys, "graphs", name)

    card = list_cards()[name]
    assert card.files in " ".join(page.split())
    assert card.page in page
    assert f"kgbert inspect FILE --card {name}" in page
    assert ("is saved without the graph" in page) is not card.shareable


def test_a_card_of_ones_own_is_shown_with_its_options(capsys):
    page = shown(capsys, "graphs", "signs.toml")

    assert "relations is_a" in page
    assert "languages" not in page


def test_pages_fit_a_terminal(capsys):
    pages = shown(capsys, "graphs") + "".join(
        shown(capsys, "graphs", name) for name in list_cards()
    )

    assert [line for line in pages.splitlines() if len(line) > 100 and "://" not in line] == []


def test_a_mistyped_card_is_answered_with_the_nearest(capsys):
    assert main(["graphs", "hpoo"]) == 1

    assert "unknown graph card 'hpoo'; did you mean 'hpo'?" in capsys.readouterr().err


def test_a_card_decides_how_a_graph_is_read(capsys):
    page = shown(capsys, "inspect", "signs.obo", "--card", "signs.toml")

    assert "1 of 1 relation" in page
    assert "licence     secret" in page


def test_options_that_are_typed_come_before_those_of_the_card(capsys):
    page = shown(capsys, "inspect", "signs.obo", "--card", "signs.toml", "--relations", "part_of")

    assert "part of" in page


def test_a_table_without_a_header_is_read_with_the_names_that_are_typed(capsys):
    Path("signs.csv").write_text("1,fever,pyrexia|heat\n2,chill,\n")

    page = shown(capsys, "inspect", "signs.csv", "--header", "id,name,synonyms")

    assert "4: 2 preferred, 2 exact" in page


def test_an_invalid_header_is_reported_with_the_option_to_type(capsys):
    Path("signs.csv").write_text("1,fever,pyrexia|heat\n")

    assert main(["inspect", "signs.csv", "--header", "id,name"]) == 1
    assert "names 2 columns (id, name), and the table has 3" in (
        error_output := capsys.readouterr().err
    )
    assert error_output.endswith("is not read. Use --header id,name,other.\n")


def test_edges_of_domains_are_left_out_where_that_is_typed(capsys):
    Path("signs.ttl").write_text(
        "@prefix : <http://a.org/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        ':a rdfs:label "a" . :b rdfs:label "b" . :p rdfs:domain :a ; rdfs:range :b .'
    )

    pages = [
        shown(capsys, "inspect", "signs.ttl", *options)
        for options in ((), ("--no-domain-range-edges",))
    ]

    assert ["edges       1 of" in page for page in pages] == [True, False]


def test_a_limit_can_be_raised(capsys):
    Path("signs.csv").write_text(f"id,name,definition\n1,fever,{'h' * 200}\n")
    assert main(["inspect", "signs.csv", "--limit", "line=100"]) == 1

    assert "entities    1" in shown(capsys, "inspect", "signs.csv", "--limit", "line=300")


@pytest.mark.parametrize("limit", ["lines=3", "line=many", "line"])
def test_a_limit_that_is_none_is_refused(limit, capsys):
    with pytest.raises(SystemExit):
        main(["inspect", "signs.obo", "--limit", limit])

    assert "expected one of bytes, in_memory, ratio, line, depth" in capsys.readouterr().err


def test_graphs_are_kept_in_the_folder_that_is_typed(capsys):
    Path("many.csv").write_text(
        "id,name\n" + "".join(f"{i},n {i} {'x' * 100}\n" for i in range(9999))
    )

    shown(capsys, "inspect", "many.csv", "--cache", "kept")

    assert len(list(Path("kept").glob("*.safetensors"))) == 1


def test_a_mistyped_card_stops_every_command_that_reads_a_graph(capsys):
    assert main(["link", "signs.obo", "fever", "--card", "hpoo"]) == 1

    assert "unknown graph card 'hpoo'" in capsys.readouterr().err
