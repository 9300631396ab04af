import pytest

from kgbert import ReadOptions, read_graph
from tests.support.errors import raises


@pytest.fixture
def read(tmp_path):
    def read(content, name="table.csv", **options):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return read_graph(path, options=ReadOptions(**options))

    return read


def names_of(graph, entity):
    return [name.text for name in graph.entity(entity).names]


@pytest.mark.parametrize("line", ["sep=;", "\ufeffsep=;", '"sep=;"', "sep=;;;"])
def test_the_separator_line_of_excel_is_no_row(line, read):
    graph = read(f"{line}\nsubject;predicate;object\nZürich;liegt in;Schweiz\n")

    assert graph.entity("Zürich").edges == (("liegt in", "Schweiz"),)
    assert sorted(graph.names) == ["Schweiz", "Zürich"]


def test_a_separator_in_a_quoted_cell_of_the_header_does_not_count(read):
    graph = read('id;name;"a, b, c, d"\n1;heart;x\n')

    assert list(graph.names) == ["heart"]


def test_a_cell_of_a_tab_separated_file_is_quoted_if_it_begins_and_ends_so(read):
    graph = read(
        'id\tname\tsynonyms\n1\t"Heart ""attack"""\t"MI|infarct"\n2\t"Stroke, acute"\t"\n'
        '3\t12" pipe\t"long" and "thin"\n',
        "entities.tsv",
    )

    assert names_of(graph, "1") == ['Heart "attack"', "MI", "infarct"]
    assert names_of(graph, "2") == ["Stroke, acute", '"']
    assert names_of(graph, "3") == ['12" pipe', '"long" and "thin"']


@pytest.mark.parametrize("name", ["long.csv", "long.tsv"])
def test_a_cell_may_be_longer_than_python_reads_by_itself(name, read):
    mark = "\t" if name.endswith("tsv") else ","
    definition = "word " * 40_000

    graph = read(f"id{mark}name{mark}definition\n1{mark}heart{mark}{definition}\n", name)

    assert graph.entity("1").definition == definition.strip()


def test_comments_before_the_header_are_no_header(read):
    graph = read("# made by hand\n#second line\n#id\tname\n1\theart\n", "table.tsv")

    assert names_of(graph, "1") == ["heart"]


@pytest.mark.parametrize(
    ("first", "second", "synonyms"),
    [
        ("Anemia, Iron-Deficiency", "Carcinoma, Basal Cell|Ulcer", ["Anemia, Iron-Deficiency"]),
        ("Anemia, Iron-Deficiency", "", ["Anemia, Iron-Deficiency"]),
        ("low iron; poor blood", "x; y", ["low iron", "poor blood"]),
        ("Zurli,Цюрл", "", ["Zurli", "Цюрл"]),
        ("1,2-propanediol", "", ["1,2-propanediol"]),
        ("one, two, three, four", "five, six, seven", ["four", "one", "three", "two"]),
        ("autos\nmotor cars", "", ["autos", "motor cars"]),
    ],
)
def test_synonyms_are_separated_by_what_separates_their_column(first, second, synonyms, read):
    graph = read(f'id,name,synonyms\n1,thing,"{first}"\n2,other,"{second}"\n')

    assert sorted(names_of(graph, "1")) == sorted(["thing", *synonyms])


def test_words_for_a_missing_value_are_no_names_where_many_rows_have_them(read):
    rows = "".join(f"E{i},thing {i},{'NaN' if i % 2 else 'N/A'},nan\n" for i in range(9))

    graph = read(f"id,name,synonyms,definition\n{rows}")

    assert sorted(graph.names) == [f"thing {i}" for i in range(9)]
    assert set(graph.definitions) == {""}
    assert any("read as missing: n/a, nan" in note for note in graph.notes)


def test_one_entity_may_be_called_as_a_missing_value_is(read):
    graph = read("id,name,synonyms,definition\nE1,nan,NULL,\nE2,heart,N/A,\n")

    assert names_of(graph, "E1") == ["nan", "NULL"]
    assert names_of(graph, "E2") == ["heart", "N/A"]


@pytest.mark.parametrize("number", ["0.9", "7", "-1e-3"])
def test_a_third_column_of_numbers_is_a_weight(number, read):
    graph = read(f"asthma\tlung\t{number}\ncough\tlung\t{number}\n", "edges.tsv")

    assert graph.entity("asthma").edges == (("rdfs:subClassOf", "lung"),)
    assert sorted(graph.names) == ["asthma", "cough", "lung"]


def test_several_rows_of_one_id_have_one_preferred_name(read):
    graph = read("cui,name\nS-1,kidney failure\nS-1,failure of kidneys\nS-1,kf\n")

    assert graph.entity("S-1").name == "kidney failure"
    assert len(graph.entity("S-1").names) == 3


def test_the_preferred_name_may_be_marked(read):
    graph = read("cui,name,name_status\nS-1,failure of kidneys,A\nS-1,kidney failure,P\n")

    assert graph.entity("S-1").name == "kidney failure"


@pytest.mark.parametrize("word", ["NULL", "-", "n.a.", "(null)", "NaT", "?", "NA"])
def test_words_for_a_missing_value_are_no_ends_of_edges(word, read):
    rows = "".join(f"a{i},likes,{word if i % 3 else 'b'}\n" for i in range(9))

    graph = read(f"subject,predicate,object\n{rows}")

    assert sorted(graph.names) == ["a0", "a3", "a6", "b"]
    assert any(f"read as missing: {word.lower()}" in note for note in graph.notes)
    assert any("6 rows of" in note for note in graph.notes)


def test_a_table_whose_every_row_lacks_a_value_is_refused(read):
    with raises("incomplete-triples"):
        read("subject,predicate,object\na,b,NULL\nc,b,NULL\nd,b,NULL\n")


def test_an_entity_called_as_a_missing_value_has_its_neighbours(read):
    graph = read("source,target\nNA,ZA\nNA,BW\nNA,AO\nZA,NA\nBW,NA\nAO,NA\n")

    assert sorted(graph.names) == ["AO", "BW", "NA", "ZA"]
    assert any("'na' in the column of object" in note for note in graph.notes)


def test_sodium_is_no_missing_value(read):
    graph = read("subject,predicate,object\nsalt,has,Na\nsoda,has,Na\nborax,has,Na\n")

    assert sorted(graph.names) == ["Na", "borax", "salt", "soda"]


def test_dashes_in_every_row_are_no_names(read):
    rows = "".join(f"{i}\tgene {i}\t-\t-\n" for i in range(3))

    graph = read(f"id\tname\tsynonyms\tdescription\n{rows}", "genes.tsv")

    assert sorted(graph.names) == ["gene 0", "gene 1", "gene 2"]
    assert set(graph.definitions) == {""}


def test_words_for_a_missing_value_are_no_ids(read):
    graph = read("id,name\nNA,Namibia\nNA,South-West Africa\nNA,Namibie\n" + "NULL,x\n" * 3)

    assert list(graph.entity_ids) == ["NA"]
    assert any("3 rows of" in note for note in graph.notes)


@pytest.mark.parametrize(
    ("cell", "synonyms"),
    [
        ("['cor', \"hart's\"]", ["cor", "hart's"]),
        ("['a, b'\n 'c|d']", ["a, b", "c|d"]),
        ('["caf\\u00e9", null]', ["café"]),
        ("{'cor'}", ["cor"]),
        ("[]", []),
        ("[1S]-thing", ["[1S]-thing"]),
        ("[protein]", ["[protein]"]),
    ],
)
def test_a_list_as_programs_write_it_is_several_names(cell, synonyms, read):
    quoted = cell.replace('"', '""')

    graph = read(f'id,name,synonyms\n1,thing,"{quoted}"\n2,other,\n')

    assert sorted(names_of(graph, "1")) == sorted(["thing", *synonyms])


def test_a_list_of_ids_is_several_parents(read):
    graph = read('id,name,parents\n1,cat,"[2, 3]"\n2,pet,[]\n3,animal,[2]\n')

    assert [tail for _, tail in graph.entity("1").edges] == ["2", "3"]
    assert [tail for _, tail in graph.entity("3").edges] == ["2"]


@pytest.mark.parametrize("word", ["subclass of", "Is-a", "kind of", "hypernym"])
def test_words_for_the_hierarchy_are_known(word, read):
    graph = read(f"subject,predicate,object\ncat,{word},animal\n")

    assert graph.entity("cat").edges == (("rdfs:subClassOf", "animal"),)


@pytest.mark.parametrize("word", ["P279", "wdt:P279"])
def test_the_hierarchy_of_wikidata_is_known(word, read):
    graph = read(f"subject,predicate,object\nQ1,{word},Q2\nQ1,label,cat\n")

    assert graph.entity("Q1").edges == (("http://www.wikidata.org/prop/direct/P279", "Q2"),)


def test_the_separator_line_may_name_a_tab(read):
    graph = read("sep=\t\nsubject\tpredicate\tobject\nZürich\tliegt in\tSchweiz, Europa\n")

    assert graph.entity("Zürich").edges == (("liegt in", "Schweiz, Europa"),)


def test_escapes_in_a_list_of_python_are_the_characters_that_they_stand_for(read):
    synonyms = ['Crohn\'s "pain"', "two\nlines", "caf\xe9"]
    graph = read(f"id\tname\tsynonyms\nE1\tpain\t{synonyms!r}\n", "table.tsv")

    assert set(names_of(graph, "E1")[1:]) == {'Crohn\'s "pain"', "two lines", "café"}
