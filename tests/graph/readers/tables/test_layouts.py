import pytest

from kgbert import ReadOptions, read_graph
from tests.support.errors import raises

IS_A = "rdfs:subClassOf"


@pytest.fixture
def write(tmp_path):
    def write(**files):
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content, encoding="utf-8")
        return tmp_path

    return write


def names_of(graph, entity):
    return [name.text for name in graph.entity(entity).names]


def test_columns_of_entities_are_chosen_by_role(write):
    folder = write(t__csv='"CODE","KIND","SHORT","LONG"\n"1","x","Zorbin|Zo","Zorbin in serum"\n')
    columns = {"id": "CODE", "name": "LONG", "synonyms": "SHORT"}

    graph = read_graph(folder / "t.csv", options=ReadOptions(columns=columns))
    typed = tuple(f"{role}={column}" for role, column in columns.items())

    assert names_of(graph, "1") == ["Zorbin in serum", "Zo", "Zorbin"]
    assert graph == read_graph(folder / "t.csv", options=ReadOptions(columns=typed))


def test_columns_are_chosen_for_one_of_several_files(write):
    folder = write(
        a__csv="NR,TITLE\n1,heart\n2,organ\n", b__csv="CODE,TITLE\nX,leg\n", c__csv="von,zu\n1,2\n"
    )
    columns = ("a.csv:id=NR", "id=CODE", "name=TITLE", "c.*:subject=von", "c.*:object=zu")

    graph = read_graph(folder, options=ReadOptions(columns=columns))

    assert sorted(graph.names) == ["heart", "leg", "organ"]
    assert graph.entity("1").edges == ((IS_A, "2"),)


def test_a_role_that_does_not_exist_is_refused_with_those_that_do(write):
    folder = write(t__csv="a,b\n1,2\n")

    with raises("unknown-column-role"):
        read_graph(folder / "t.csv", options=ReadOptions(columns=("key=a", "name=b")))


def test_a_header_that_is_given_takes_the_place_of_one_in_the_file(write):
    folder = write(t__tsv="O*NET-SOC Code\tTitle\tDescription\n11-1\tChief baker\tBakes.\n")
    options = ReadOptions(header=("id", "name", "definition"))

    assert list(read_graph(folder / "t.tsv", options=options).names) == ["Chief baker"]


def test_a_folder_of_omop_is_one_graph(write):
    graph = read_graph(
        write(
            CONCEPT__csv="concept_id\tconcept_name\tdomain_id\tinvalid_reason\n"
            '1\tAcute "barking" cough\tCondition\t\n2\tCough\tCondition\t\n3\tOld\tCondition\tD\n',
            CONCEPT_RELATIONSHIP__csv="concept_id_1\tconcept_id_2\trelationship_id\n1\t2\tIs a\n",
            CONCEPT_SYNONYM__csv="concept_id\tconcept_synonym_name\tlanguage_concept_id\n"
            "1\tCroupy cough\t4180186\n",
        )
    )

    assert names_of(graph, "1") == ['Acute "barking" cough', "Croupy cough"]
    assert graph.entity("1").edges == ((IS_A, "2"),)
    assert "3" not in graph


def test_the_ancestors_of_omop_that_are_parents_are_edges(write):
    graph = read_graph(
        write(
            CONCEPT__csv="concept_id\tconcept_name\n1\tBarking cough\n2\tCough\n3\tSign\n",
            CONCEPT_ANCESTOR__csv="ancestor_concept_id\tdescendant_concept_id\t"
            "min_levels_of_separation\tmax_levels_of_separation\n"
            "1\t1\t0\t0\n2\t1\t1\t1\n3\t1\t2\t2\n3\t2\t1\t2\n",
        )
    )

    assert graph.entity("1").edges == ((IS_A, "2"),)
    assert graph.entity("2").edges == ((IS_A, "3"),)


def test_a_folder_of_esco_is_one_graph(write):
    graph = read_graph(
        write(
            occupations__csv="conceptType,conceptUri,preferredLabel,altLabels,description\n"
            'Occupation,http://a.org/o1,baker,"bread baker\nhead baker",Bakes.\n'
            "Group,http://a.org/o2,food workers,,\n",
            skills__csv="conceptType,conceptUri,preferredLabel,altLabels\nS,http://a.org/s,knead,\n",
            broader__csv="conceptType,conceptUri,broaderType,broaderUri\n"
            "Occupation,http://a.org/o1,Group,http://a.org/o2\n",
            relations__csv="occupationUri,relationType,skillType,skillUri\n"
            "http://a.org/o1,essential,skill,http://a.org/s\n",
        )
    )

    assert names_of(graph, "http://a.org/o1") == ["baker", "bread baker", "head baker"]
    assert graph.entity("http://a.org/o1").edges == (
        ("essential", "http://a.org/s"),
        ("skos:broader", "http://a.org/o2"),
    )


def test_loinc_and_its_hierarchy_are_one_graph(write):
    graph = read_graph(
        write(
            Loinc__csv='"LOINC_NUM","COMPONENT","STATUS","SHORTNAME","LONG_COMMON_NAME"\n'
            '"1-1","Zorbin","ACTIVE","Zorbin Ser","Zorbin in Serum"\n'
            '"2-9","Quarxin","DEPRECATED","Quarxin Ur","Quarxin in Urine"\n',
            Tree__csv="PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n"
            ",1,,LP1,Laboratory\nLP1,1,LP1,1-1,Zorbin Ser\n",
        )
    )

    assert set(names_of(graph, "1-1")) == {"Zorbin Ser", "Zorbin in Serum"}
    assert graph.entity("1-1").edges == ((IS_A, "LP1"),)
    assert "2-9" not in graph


def test_a_table_that_is_no_graph_is_left_out_of_a_folder_with_a_note(write):
    folder = write(
        CONCEPT__csv="concept_id\tconcept_name\n1\tCough\n",
        STRENGTH__csv="drug_id\tamount\tunit\tstart\n1\t2\t3\t4\n",
        README__txt="Tables of drugs\nand diseases\n",
    )

    assert any("STRENGTH.csv" in note for note in read_graph(folder).notes)
    with raises("unknown-columns"):
        read_graph([folder / "CONCEPT.csv", folder / "STRENGTH.csv"])


def test_alternate_titles_of_onet_are_synonyms(write):
    graph = read_graph(
        write(
            Occupation__csv="O*NET-SOC Code,Title,Description\n11-1,Chief baker,Bakes.\n",
            Titles__csv="O*NET-SOC Code,Alternate Title,Short Title\n11-1,Head baker,\n",
        )
    )

    assert names_of(graph, "11-1") == ["Chief baker", "Head baker"]


def test_geonames_has_no_header(write):
    row = (
        "{}\t{}\t{}\t{}\t47.1\t8.5\tP\tPPL\tCH\t\tZH\t\t\t\t1200\t\t400\tEurope/Zurich\t2020-01-01"
    )
    rows = [row.format(9, "Zürl", "Zurl", "Zurli,Цюрл"), row.format(8, "Bärn", "Barn", "")]
    folder = write(CH__txt="\n".join(rows))

    assert names_of(read_graph(folder / "CH.txt"), "9") == ["Zürl", "Zurli", "Цюрл"]


def test_neo4j_marks_its_columns_and_their_types(write):
    graph = read_graph(
        write(
            nodes__csv="drugId:ID(Drug),name:string,aliases:string[],:LABEL\nd1,Aspirin,ASA;acid,D\n",
            more__csv="id:ID,name,:LABEL\nd2,Pain,Symptom\n",
            edges__csv=":START_ID(Drug),:END_ID,:TYPE\nd1,d2,TREATS\n",
        )
    )

    assert names_of(graph, "d1") == ["Aspirin", "ASA", "acid"]
    assert graph.entity("d1").edges == (("TREATS", "d2"),)
    assert len(graph) == 2


def test_an_export_of_apoc_has_entities_and_edges_in_one_table(write):
    folder = write(
        all__csv='"_id","_labels","name","_start","_end","_type"\n'
        '"0",":Drug","Aspirin",,,\n"1",":Symptom","Pain",,,\n,,,"0","1","TREATS"\n'
    )

    graph = read_graph(folder / "all.csv")

    assert names_of(graph, "0") == ["Aspirin"]
    assert graph.entity("0").edges == (("TREATS", "1"),)


def test_the_files_of_graph_completion_are_one_graph(write):
    graph = read_graph(
        write(
            entity2text__tsv="/m/01\tAspirin\n/m/02\tPain, acute\n",
            relation2text__tsv="/medicine/treats\tmedicine treats\n",
            train__tsv="/m/01\t/medicine/treats\t/m/02\n",
        )
    )

    assert graph.name(graph.index("/m/02")) == "Pain, acute"
    assert graph.entity("/m/01").edges == (("/medicine/treats", "/m/02"),)
    assert graph.relation_names == ("medicine treats",)


def test_the_numbered_files_of_openke_are_one_graph(write):
    folder = write(
        entity2id__txt="2\nAspirin\t0\nPain\t1\n",
        relation2id__txt="1\ntreats\t0\n",
        train2id__txt="1\n0 1 0\n",
    )
    files = [folder / f"{name}2id.txt" for name in ("entity", "relation", "train")]

    graph = read_graph(files)

    assert sorted(graph.names) == ["Aspirin", "Pain"]
    assert graph.relation_names == ("treats",)
    assert len(graph.heads) == 1


@pytest.mark.parametrize(
    "header", ["level 1,level 2,level 3", "Level 0 URI,Level 0 preferred term,Level 1 URI"]
)
def test_levels_are_a_hierarchy(header, write):
    rows = "Vehicles,,\nVehicles,Cars,\nVehicles,Cars,Taxis\n"
    if "URI" in header:
        rows = "http://a.org/1,Vehicles,http://a.org/2\nhttp://a.org/1,Vehicles,\n"

    graph = read_graph(write(levels__csv=f"{header}\n{rows}") / "levels.csv")

    if "URI" in header:
        assert graph.entity("http://a.org/2").edges == ((IS_A, "http://a.org/1"),)
    else:
        assert graph.entity("Taxis").edges == ((IS_A, "Cars"),)
        assert graph.entity("Cars").edges == ((IS_A, "Vehicles"),)
        assert len(graph) == 3


def test_translations_join_the_ontology_by_id(write):
    folder = write(
        hp__obo="[Term]\nid: HP:0000001\nname: All\n",
        fr__tsv="subject_id\tsource_language\ttranslation_language\tpredicate_id\tsource_value\t"
        "translation_status\ttranslation_value\n"
        "HP:0000001\ten\tfr\trdfs:label\tAll\tOFFICIAL\tTous\n"
        "HP:0000001\ten\tfr\tIAO:0000115\t\tOFFICIAL\tTout.\n",
    )

    graph = read_graph([folder / "hp.obo", folder / "fr.tsv"])

    names = {(name.text, name.language) for name in graph.entity("HP:0000001").names}
    assert names == {("All", ""), ("Tous", "fr")}
    assert graph.entity("HP:0000001").definition == "Tout."


def test_a_glossary_without_ids_uses_its_names(write):
    folder = write(g__csv="term,definition\nfever,High temperature.\ncough,A reflex.\n")

    graph = read_graph(folder / "g.csv")

    assert graph.entity("fever").definition == "High temperature."
    assert any("the names are the ids" in note for note in graph.notes)


def test_labelled_texts_are_no_graph(write):
    folder = write(t__csv="text,label\nA sentence.,yes\n")

    with raises("unknown-columns") as error:
        read_graph(folder / "t.csv")

    assert "labelled texts" in error.value.message


def test_names_and_the_names_of_their_parents_are_a_hierarchy(write):
    folder = write(h__csv="Name,Parent\nheart,organ\norgan,\n")

    assert read_graph(folder / "h.csv").entity("heart").edges == ((IS_A, "organ"),)


def test_more_columns_than_a_layout_needs_are_not_read(write):
    graph = read_graph(
        write(
            entity2text__tsv="/m/01\tAspirin\tremark\n/m/02\tPain\t\n",
            train__tsv="/m/01\t/medicine/treats\t/m/02\n",
        )
    )

    assert list(graph.names) == ["Aspirin", "Pain"]


def test_more_columns_than_openke_has_are_not_read(write):
    graph = read_graph(
        write(
            entity2id__txt="2\naspirin 0\npain 1\n",
            relation2id__txt="1\ntreats 0\n",
            train2id__txt="1\n0 1 0 0.7\n",
        )
    )

    assert graph.entity("0").edges == (("relation:0", "1"),)


def test_numbers_may_be_the_ids_of_graph_completion(write):
    graph = read_graph(
        write(
            entity2text__txt="00260881\tland reform\n00260622\treform\n",
            train__tsv="00260881\t_hypernym\t00260622\n",
        )
    )

    assert graph.entity("00260881").edges == (("_hypernym", "00260622"),)


def test_numbers_filled_up_with_zeros_are_ids_in_any_file(write):
    rows = "02\t_hypernym\t01\n03\t_hypernym\t01\n"

    assert len(read_graph(write(wordnet__tsv=rows) / "wordnet.tsv").heads) == 2


def test_a_number_for_each_row_is_no_id_of_an_edge(write):
    folder = write(t__csv="1,fever,2\n2,sign,3\n3,thing,4\n")

    with raises("columns-of-numbers"):
        read_graph(folder / "t.csv")


def test_lists_of_the_ids_of_entities_and_relations_name_nothing(write):
    graph = read_graph(
        write(
            entities__txt="/m/01\n/m/02\n/m/03\n",
            entity2text__txt="/m/01\tAspirin\n/m/02\tPain\n",
            relations__txt="/medicine/treats\n/medicine/causes\n",
            train__tsv="/m/01\t/medicine/treats\t/m/02\n",
        )
    )

    assert list(graph.entity_ids) == ["/m/01", "/m/02", "/m/03"]
    assert list(graph.names) == ["Aspirin", "Pain"]
    assert any("entities.txt is read as a list of ids" in note for note in graph.notes)
    assert any("relations.txt is read as a list of relations" in note for note in graph.notes)


def test_a_list_of_ids_has_their_names_where_no_file_has_others(write):
    graph = read_graph(
        write(entities__txt="aspirin\npain\ntumor\n", train__tsv="aspirin\ttreats\tpain\n")
    )

    assert sorted(graph.names) == ["aspirin", "pain", "tumor"]


def test_the_entities_of_openke_have_the_texts_of_their_ids(write):
    folder = write(
        entity2id__txt="2\n/m/01\t0\n/m/02\t1\n",
        relation2id__txt="1\n/medicine/treats\t0\n",
        train2id__txt="1\n0 1 0\n",
        entity2text__txt="/m/01\tAspirin\n/m/02\tPain\n",
        relation2text__txt="/medicine/treats\tacts against\n",
    )

    graph = read_graph(sorted(folder.iterdir(), reverse=True))

    assert list(graph.names) == ["Aspirin", "Pain"]
    assert graph.entity("0").edges == (("relation:0", "1"),)
    assert graph.relation_names == ("acts against",)


@pytest.mark.parametrize(
    "header",
    [
        *("Ebene 1,Ebene 2,Ebene 3", "Niveau 1,Niveau 2,Niveau 3", "Tier1,Tier2,Tier3"),
        *("L1,L2,L3", "h1,h2,h3", "Level A,Level B,Level C", "Class,Subclass,Subsubclass"),
    ],
)
def test_levels_have_other_names_too(header, write):
    folder = write(levels__csv=f"{header}\nVehicles,,\nVehicles,Cars,\nVehicles,Cars,Taxis\n")

    graph = read_graph(folder / "levels.csv")

    assert len(graph) == 3
    assert graph.entity("Taxis").edges == ((IS_A, "Cars"),)


def test_columns_beside_levels_are_noted(write):
    folder = write(levels__csv="level 1,level 2,remark\nVehicles,Cars,x\n")

    assert "not used: 'remark'" in read_graph(folder / "levels.csv").notes[0]


def test_levels_that_are_written_once_are_above_the_rows_below(write):
    rows = "Vehicles,Cars,Taxis\n,,Limousines\n,Bikes,BMX\nFood,,\n,Milk,\n"
    folder = write(levels__csv=f"level 1,level 2,level 3\n{rows}")

    graph = read_graph(folder / "levels.csv")

    assert graph.entity("Limousines").edges == ((IS_A, "Cars"),)
    assert graph.entity("Bikes").edges == ((IS_A, "Vehicles"),)
    assert graph.entity("Milk").edges == ((IS_A, "Food"),)
    assert graph.entity("Food").edges == ()
    assert any("3 rows of" in note for note in graph.notes)


def test_a_gap_in_levels_that_are_repeated_is_noted(write):
    folder = write(levels__csv="level 1,level 2\nVehicles,Cars\nVehicles,Bikes\n,Milk\n")

    graph = read_graph(folder / "levels.csv")

    assert graph.entity("Milk").edges == ()
    assert any("nothing is above them" in note for note in graph.notes)


def test_words_for_a_missing_value_are_no_levels(write):
    folder = write(levels__csv="level 1,level 2\nA,b\nB,NaN\nC,NaN\nD,NaN\n")

    assert sorted(read_graph(folder / "levels.csv").names) == ["A", "B", "C", "D", "b"]


@pytest.fixture
def omop(write):
    return write(
        CONCEPT__csv="concept_id\tconcept_name\tinvalid_reason\n"
        "1\tBarking cough\t\n2\tCough\t\n3\tOld cough\tU\n4\tSign\t\n",
        CONCEPT_RELATIONSHIP__csv="concept_id_1\tconcept_id_2\trelationship_id\tinvalid_reason\n"
        "1\t2\tIs a\t\n1\t4\tIs a\tD\n1\t1\tMaps to\t\n"
        "3\t2\tConcept replaced by\t\n2\t3\tConcept replaces\t\n",
    )


def test_an_edge_that_is_marked_as_invalid_is_left_out_with_a_note(omop):
    graph = read_graph(omop)

    assert graph.entity("1").edges == ((IS_A, "2"),)
    assert any("1 row of" in note and "obsolete" in note for note in graph.notes)


def test_the_replacements_of_omop_are_known(omop):
    graph = read_graph(omop)

    assert graph.replaced == {"3": "2"}
    assert graph.entity("2").edges == ()


def test_a_concept_that_is_mapped_to_itself_is_counted(omop):
    assert read_graph(omop).dropped_edges == (
        ("an entity that is mapped to itself", 1, "1 Maps to 1"),
    )


@pytest.fixture
def snomed(write):
    full, synonym = "900000000000003001", "900000000000013009"
    return write(
        sct2_Concept_Snapshot__txt="id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n"
        "1\t2\t1\t3\t4\n2\t2\t1\t3\t4\n3\t2\t0\t3\t4\n7\t2\t1\t3\t4\n",
        sct2_Description_Snapshot__txt="id\teffectiveTime\tactive\tmoduleId\tconceptId\t"
        "languageCode\ttypeId\tterm\tcaseSignificanceId\n"
        f"91\t2\t1\t3\t1\ten\t{full}\tFever (finding)\t4\n"
        f"92\t2\t1\t3\t1\ten\t{synonym}\tPyrexia\t4\n"
        f"93\t2\t0\t3\t1\ten\t{synonym}\tFebris\t4\n"
        f"94\t2\t1\t3\t2\ten\t{full}\tBody\t4\n"
        f"95\t2\t1\t3\t3\ten\t{full}\tOld fever\t4\n"
        f"96\t2\t1\t3\t7\ten\t{full}\tFinding site\t4\n",
        sct2_Relationship_Snapshot__txt="id\teffectiveTime\tactive\tmoduleId\tsourceId\t"
        "destinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId\n"
        "81\t2\t1\t3\t1\t2\t0\t116680003\t4\t4\n82\t2\t0\t3\t2\t1\t0\t116680003\t4\t4\n"
        "83\t2\t1\t3\t1\t2\t0\t7\t4\t4\n",
    )


def test_a_release_of_snomed_is_one_graph(snomed):
    graph = read_graph(snomed)

    assert list(graph.entity_ids) == ["1", "2"]
    assert names_of(graph, "1") == ["Fever (finding)", "Pyrexia"]
    assert graph.entity("1").edges == (("7", "2"), (IS_A, "2"))
    assert "Finding site" in graph.relation_names
    assert sum("not read: inactive" in note for note in graph.notes) == 3


def test_the_history_of_snomed_is_refused(snomed, write):
    path = snomed / "sct2_Concept_Full.txt"
    path.write_text("id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n1\t2\t0\t3\t4\n")

    assert "1" in read_graph(snomed)
    with raises("history-of-snomed"):
        read_graph(path)
