import subprocess
import sys

import pandas as pd
import pytest

from kgbert import ReadOptions, merge_graphs, read_graph
from tests.support.errors import raises
from tests.support.five_entities import TABLE, expected

TRIPLES = [line.split(",") for line in TABLE.splitlines()[1:]]


def test_a_frame_of_triples_reads_as_the_same_file_does():
    named = pd.DataFrame(TRIPLES, columns=["head", "relation", "tail"])
    bare = pd.DataFrame(TRIPLES)

    assert read_graph(named) == read_graph(bare) == expected()


def test_a_table_of_nodes_and_one_of_edges_are_one_graph():
    nodes = pd.DataFrame(
        {
            "id": ["X:1", "X:2"],
            "name": ["heart", "organ"],
            "synonyms": ["cor|pump", None],
            "definition": ["It beats.", float("nan")],
        }
    ).set_index("id")
    edges = pd.DataFrame({"source": ["X:1"], "relation": ["part_of"], "target": ["X:2"]})

    graph = read_graph([nodes, edges])

    heart = graph.entity("X:1")
    assert [name.text for name in heart.names] == ["heart", "cor", "pump"]
    assert heart.definition == "It beats."
    assert heart.edges == (("part_of", "X:2"),)
    assert graph.entity("X:2").definition == ""
    assert graph.source == "pandas table"


def test_numbers_with_gaps_are_the_same_ids_as_without():
    nodes = pd.DataFrame({"id": [1, 2], "name": ["heart", "organ"], "parent_id": [2, None]})

    graph = read_graph(nodes)

    assert list(graph.entity_ids) == ["1", "2"]
    assert graph.entity("1").edges == (("rdfs:subClassOf", "2"),)


def test_columns_can_be_chosen_by_name():
    frame = pd.DataFrame({"n": [1], "what": ["heart"], "how": ["part_of"], "in": ["body"]})

    graph = read_graph(frame, options=ReadOptions(columns=("what", "how", "in")))

    assert list(graph.entity_ids) == ["body", "heart"]


def test_frames_are_merged_where_the_options_say_so():
    one = pd.DataFrame({"id": ["A:1"], "name": ["heart"]})
    two = pd.DataFrame([["B:1", "label", "cor"], ["B:1", "owl:sameAs", "A:1"]])

    graph = read_graph([one, two], options=ReadOptions(match_on=("owl:sameAs",)))

    assert graph == merge_graphs([read_graph(one), read_graph(two)])
    assert graph.entity("B:1").name == "heart"


def test_the_error_of_a_frame_that_is_no_graph_names_missing_columns():
    with raises("unknown-columns"):
        read_graph(pd.DataFrame({"colour": ["red"], "taste": ["sweet"], "weight": [1], "x": [2]}))
    with raises("empty-table"):
        read_graph(pd.DataFrame())


def test_paths_and_frames_in_one_list_are_refused(tmp_path):
    with pytest.raises(TypeError, match="a str is not a graph that can be read"):
        read_graph([pd.DataFrame(TRIPLES), "five.obo"])


def test_pandas_is_imported_by_nobody_but_its_user():
    program = (
        "import sys, networkx, kgbert\n"
        "graph = networkx.DiGraph()\n"
        "graph.add_node('X:1', name='heart')\n"
        "kgbert.read_graph(graph)\n"
        "print('pandas' in sys.modules)"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert result.stdout == "False\n", result.stderr
