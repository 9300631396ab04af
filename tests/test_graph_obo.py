import obonet
import pytest
from five_entities import OBO, TURTLE

from kgbert import read_graph

ODD = r"""
format-version: 1.4
data-version: 2026-11

[Term]
id: X:0000001
name: water {source="X:9"}
def: "A \"clear\" liquid.\nIt flows." [http\://a.org/b "title, with comma", PMID:1] {a="b"}
synonym: "eau" EXACT []
synonym: "aqua \"pura\"" RELATED layperson [PMID:1, PMID:2] {a="b"}
synonym: "wet" BROAD []
xref: Y:1 "described"
is_a: X:0000002 {source="X:9"} ! liquid
relationship: part_of X:0000003 {cardinality="1"} ! sea

[Term]
id: X:0000002
name: liquid
comment: "Fluid" is not the same.

[Term]
id: X:0000003
name: sea
alt_id: X:0000009

[Term]
id: X:0000004
name: matter

[Term]
id: X:0000005
name: ether
is_obsolete: true

[Typedef]
id: part_of
name: part of
xref: BFO:0000050

[Typedef]
id: has_quality
name: has quality
"""


@pytest.mark.parametrize("content", [OBO, ODD.lstrip()])
def test_obo_reads_as_obonet_reads_it(content, tmp_path):
    path = tmp_path / "graph.obo"
    path.write_text(content)

    ours, theirs = read_graph(path), read_graph(obonet.read_obo(path))

    assert ours == theirs
    assert ours.version == theirs.version
    assert list(ours.references) == list(theirs.references)


def test_obo_reads_as_its_owl_form_does(tmp_path):
    obo, owl = tmp_path / "five.obo", tmp_path / "five.owl"
    obo.write_text(OBO)
    owl.write_text(TURTLE)

    assert read_graph(obo) == read_graph(owl)
