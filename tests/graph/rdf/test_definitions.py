import json

import pytest
import rdflib

from kgbert import read_graph

PREFIXES = """\
@prefix : <http://a.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix skosxl: <http://www.w3.org/2008/05/skos-xl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix obo: <http://purl.obolibrary.org/obo/> .
"""
SKOS = "http://www.w3.org/2004/02/skos/core#"
FIRST, SECOND = "Zinc plated.", "A bolt."
FILES = {
    "g.csv": f"id,name,definition\nA,bolt,{FIRST}\nA,bolt,{SECOND}\n",
    "g.ttl": f'{PREFIXES}:A skos:prefLabel "bolt" ; skos:definition "{FIRST}" , "{SECOND}" .',
    "g.nt": "".join(
        f'<http://a.org/A> <{SKOS}{name}> "{text}" .\n'
        for name, text in (("prefLabel", "bolt"), ("definition", FIRST), ("definition", SECOND))
    ),
    "g.obo": f'[Term]\nid: A:1\nname: bolt\ndef: "{FIRST}" []\ndef: "{SECOND}" []\n',
    "again.obo": f'[Term]\nid: A:1\nname: bolt\ndef: "{FIRST}" []\n\n[Term]\nid: A:1\n'
    f'def: "{SECOND}" []\n',
    "comments.obo": f"[Term]\nid: A:1\nname: bolt\ncomment: {FIRST}\ncomment: {SECOND}\n",
    "g.jsonl": json.dumps({"id": "A", "name": "bolt", "definition": [FIRST, SECOND]}) + "\n",
    "nodes.ttl": f'{PREFIXES}:A skos:prefLabel "bolt" ; skos:definition '
    f'[ rdf:value "{FIRST}" ] , [ rdf:value "{SECOND}" ] .',
}


@pytest.mark.parametrize("name", FILES)
def test_the_first_definition_in_the_file_is_the_definition(name, tmp_path):
    (tmp_path / name).write_text(FILES[name])

    graph = read_graph(tmp_path / name, cache=None)

    assert list(graph.definitions) == [FIRST]
    assert sum(graph.unused_properties.values()) == 1


def test_the_definition_of_the_first_file_is_the_definition(tmp_path):
    (tmp_path / "a.obo").write_text(f'[Term]\nid: A:1\nname: bolt\ndef: "{FIRST}" []\n')
    (tmp_path / "b.obo").write_text(f'[Term]\nid: A:1\nname: bolt\ndef: "{SECOND}" []\n')

    graph = read_graph(tmp_path, cache=None)

    assert list(graph.definitions) == [FIRST]
    assert graph.unused_properties == {"definition": 1}


@pytest.mark.parametrize(
    "statements",
    [
        'skos:definition "Zinc."@de , "Acier."@fr , "A bolt."@en , "Stahl."@de',
        'skos:definition "Zinc."@de ; obo:IAO_0000115 "A bolt."',
        'skos:definition "Any." ; obo:IAO_0000115 "A bolt."',
        'skos:definition "A bolt." , "Any."@en',
    ],
)
def test_language_and_property_decide_between_definitions_before_the_order(statements):
    turtle = f'{PREFIXES}:B skos:definition "b"@fr . :A skos:prefLabel "bolt" ; {statements} .'

    graph = read_graph(rdflib.Graph().parse(data=turtle, format="turtle"))

    assert graph.entity("http://a.org/A").definition == "A bolt."


def test_of_other_languages_the_first_definition_of_the_first_language_counts():
    turtle = f"""{PREFIXES}
        :B skos:definition "b"@fr .
        :A skos:prefLabel "bolt" ; skos:definition "Acier."@fr , "Zinc."@de , "Alu."@de ."""

    graph = read_graph(rdflib.Graph().parse(data=turtle, format="turtle"))

    assert graph.entity("http://a.org/A").definition == "Zinc."
