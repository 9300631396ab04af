import pytest

from kgbert import ReadOptions, read_graph
from tests.support.errors import raises

IS_A = "rdfs:subClassOf"


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "table.tsv"
        path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("weight", ["0.9", "0,9", "90%", "1e-3"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_column_of_weights_is_no_entity_and_no_relation(weight, place, write):
    cells = ["asthma", "lung"]
    cells.insert(place, weight)

    graph = read_graph(write("\t".join(cells) + "\n"))

    assert graph.entity("asthma").edges == ((IS_A, "lung"),)
    assert sorted(graph.names) == ["asthma", "lung"]


@pytest.mark.parametrize(
    "rows",
    [
        "asthma\t0.9\ncough\t0.8\n",
        "1\tfever\n2\tcough\n",
        "asthma\t3\tlung\n",
        "1\theart\tbody\n2\ttoe\tfoot\n",
        "1\t2\t3\n",
    ],
)
def test_numbers_of_which_nothing_tells_what_they_are_are_refused(rows, write):
    with raises("columns-of-numbers"):
        read_graph(write(rows))


def test_the_header_tells_what_numbers_are(write):
    path = write("1\tfever\n2\tcough\n")

    graph = read_graph(path, options=ReadOptions(header=("id", "name")))

    assert list(graph.names) == ["fever", "cough"]


def test_numbers_may_be_the_ids_of_edges(write):
    assert len(read_graph(write("1\t2\n2\t3\n")).heads) == 2
    assert len(read_graph(write("1\ttreats\tbody\n2\ttreats\tfoot\n")).heads) == 2


@pytest.mark.parametrize(
    "rows",
    [
        "Kürzel\tBezeichnung\tGruppe\nA1\tKolik\tBauch\n",
        "Begriff\tOberbegriff\nKolik\tBauch\n",
        "Nr\tWas\tWo\nA1\tKolik\tBauch\nA2\tHusten\tHals\n",
        "Part 1\tPart 2\tPart 3\nVehicles\tCars\tTaxis\n",
        "Klasse\tArt\tSorte\nVehicles\t\t\nVehicles\tCars\t\nVehicles\tCars\tTaxis\n",
    ],
)
def test_a_header_of_unknown_columns_is_no_row(rows, write):
    with raises("unknown-columns"):
        read_graph(write(rows))


def test_a_first_row_without_digits_above_names_with_digits_is_a_row(write):
    graph = read_graph(write("aspirin\ttreats\theadache\nTP53\tcauses\tcancer\nB1\tcauses\tx\n"))

    assert len(graph.heads) == 3
