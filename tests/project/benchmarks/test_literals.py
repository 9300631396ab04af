import json
import sys

import pytest

from benchmarks.graphs import literals

OBO = """\
format-version: 1.4

[Term]
id: X:1
name: fever
def: "A warm \\"body\\"." []
synonym: "pyrexia" EXACT []
comment: Seen often.
namespace: signs

[Term]
id: X:2
name: high fever
is_a: X:1
property_value: X:9 "39 degrees" xsd:string

[Term]
id: X:3
name: ague
is_obsolete: true
"""
CSV = "id,name,synonyms,definition,note\nX:1,fever,pyrexia|heat,A warm body.,seen\n"
TURTLE = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<http://a.org/1> skos:prefLabel "fever" ; skos:definition "A warm body." ; skos:notation "R50" .
"""


@pytest.mark.parametrize(
    ("name", "content", "unused"), [("a.obo", OBO, 3), ("a.csv", CSV, 1), ("a.ttl", TURTLE, 1)]
)
def test_every_text_is_used_or_listed(name, content, unused, tmp_path):
    (tmp_path / name).write_text(content)

    row = literals.compare(tmp_path / name, name)

    assert row["listed as not used"] == unused
    assert row["neither"] == 0
    assert not row["examples"]


def test_what_a_graph_lacks_is_shown(tmp_path, monkeypatch):
    (tmp_path / "a.ttl").write_text(TURTLE)
    monkeypatch.setattr(
        literals, "_LABELS", {*literals._LABELS, "http://www.w3.org/2004/02/skos/core#notation"}
    )

    row = literals.compare(tmp_path / "a.ttl", "a.ttl")

    assert row["missing names"] == 1
    assert row["examples"] == {"names": "('http://a.org/1', 'R50')"}


def test_the_results_name_no_folder_of_the_machine(tmp_path, monkeypatch):
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "edges.csv").write_text("child,parent\nfever,sign\n")
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["literals", str(tmp_path / "graphs"), "--out", str(out)])

    literals.main()

    assert json.loads(out.read_text())["files"][0]["file"] == "edges.csv"
    assert str(tmp_path) not in out.read_text()
