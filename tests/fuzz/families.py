"""Valid inputs of every reader, which the fuzz tests mutate: a few short files a reader."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kgbert import GraphError, ReadOptions, read_graph, read_texts
from kgbert.graph.core.options import Limits
from kgbert.utils.errors import KGBertError
from tests.support.five_entities import WRITERS

#: Small limits, so that an input that grows meets them.
LIMITS = Limits(bytes=1 << 24, in_memory=1 << 24, line=1 << 16)


@dataclass(frozen=True)
class Family:
    """A valid input, and the function that reads it."""

    write: Callable[[Path], Path]
    """Writes files into a folder, and returns the path to read: a file or the folder."""
    read: Callable[[Path, bool], object]
    """Reads the path; the argument says whether the format is named rather than detected."""
    refusal: type[KGBertError]
    """What is raised for an input that cannot be read."""


def _files(contents: Mapping[str, object]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        for name, content in contents.items():
            text = content if isinstance(content, str) else json.dumps(content, indent=1)
            (folder / name).write_text(text, encoding="utf-8")
        return folder / next(iter(contents)) if len(contents) == 1 else folder

    return write


def _graph(
    write: Callable[[Path], Path] | Mapping[str, object], format_name: str = "", **options: object
) -> Family:
    read_options = ReadOptions(name_from_id=True, limits=LIMITS, **options)  # type: ignore[arg-type]

    def read(path: Path, is_format_named: bool) -> object:
        named = format_name if is_format_named and format_name else None
        return read_graph(path, format=named, options=read_options, cache=None).health()

    return Family(write if callable(write) else _files(write), read, GraphError)


def _texts(name: str, content: object, **columns: str) -> Family:
    def read(path: Path, is_format_named: bool) -> object:
        return read_texts(path, columns=columns or None)

    return Family(_files({name: content}), read, KGBertError)


_CONCEPTS = [
    {
        "code": "A",
        "display": "Alpha",
        "definition": "The first.",
        "designation": [{"language": "de", "value": "Erstes"}],
        "concept": [{"code": "A1", "display": "Alpha one"}],
        "property": [{"code": "parent", "valueCode": "B"}],
    },
    {"code": "B", "display": "Beta", "property": [{"code": "inactive", "valueBoolean": False}]},
]
_STIX = [
    {
        "type": "attack-pattern",
        "id": "attack-pattern--1",
        "name": "Phishing",
        "description": "Sends messages.",
        "external_references": [{"source_name": "mitre", "external_id": "T1"}],
        "kill_chain_phases": [{"phase_name": "start"}],
    },
    {"type": "x-mitre-tactic", "id": "tactic--1", "name": "Start", "x_mitre_shortname": "start"},
    {"type": "malware", "id": "malware--1", "name": "Foobar", "aliases": ["Foo"]},
    {
        "type": "relationship",
        "relationship_type": "uses",
        "source_ref": "malware--1",
        "target_ref": "attack-pattern--1",
    },
]
_WIKIDATA = [
    {
        "type": "item",
        "id": "Q1",
        "labels": {"en": {"language": "en", "value": "fever"}},
        "aliases": {"de": [{"language": "de", "value": "Fieber"}]},
        "descriptions": {"en": {"language": "en", "value": "a symptom"}},
        "claims": {"P31": [{"mainsnak": {"datavalue": {"value": {"id": "Q2"}}}, "rank": "normal"}]},
    },
    {"type": "item", "id": "Q2", "labels": {"en": {"language": "en", "value": "symptom"}}},
    {"type": "property", "id": "P31", "labels": {"en": {"language": "en", "value": "is"}}},
]
_RECORDS = (
    '{"id": "E1", "name": "fever", "synonyms": ["pyrexia"], "parents": "E2"}\n'
    '{"id": "E2", "name": {"en": "symptom", "de": "Symptom"}, "obsolete": false}\n'
    '{"head": "E1", "relation": "part of", "tail": "E2"}\n'
)
_APOC = (
    '{"type": "node", "id": "0", "labels": ["Drug"], "properties": {"name": "Aspirin"}}\n'
    '{"type": "node", "id": "1", "labels": ["Sign"], "properties": {"name": "Pain"}}\n'
    '{"type": "relationship", "label": "TREATS", "start": {"id": "0"}, "end": {"id": "1"}}\n'
)
_TREE = {"children": [{"name": "Vehicles", "children": [{"name": "Cars", "altLabels": ["autos"]}]}]}
_ENTITIES = (
    "CODE,TITLE,OTHERS,TEXT,ABOVE,OLD\n"
    'E1,fever,"pyrexia, heat",A warm body.,E2,no\n'
    'E2,"sign, clinical",symptom|hint,"What ""is seen"".",,no\n'
    "E3,ague,N/A,NULL,E2,yes\n"
)
_OMOP = {
    "CONCEPT.csv": "concept_id\tconcept_name\tdomain_id\tconcept_code\tinvalid_reason\n"
    '1\tAcute "barking" cough\tCondition\tC1\t\n2\tCough\tCondition\tC2\t\n',
    "CONCEPT_SYNONYM.csv": "concept_id\tconcept_synonym_name\tlanguage_concept_id\n2\tTussis\t4\n",
    "CONCEPT_RELATIONSHIP.csv": "concept_id_1\tconcept_id_2\trelationship_id\tinvalid_reason\n"
    "1\t2\tIs a\t\n2\t1\tSubsumes\t\n",
    "CONCEPT_ANCESTOR.csv": "ancestor_concept_id\tdescendant_concept_id\t"
    "min_levels_of_separation\tmax_levels_of_separation\n2\t1\t1\t1\n2\t2\t0\t0\n",
}
_ESCO = {
    "occupations_en.csv": "conceptType,conceptUri,iscoGroup,preferredLabel,altLabels,status\n"
    'Occupation,http://e/o/1,12,baker,"bread maker\nbaker of bread",released\n',
    "skills_en.csv": "conceptType,conceptUri,preferredLabel,altLabels,description\n"
    "Skill,http://e/s/1,bake,make bread,To make bread.\n",
    "occupationSkillRelations_en.csv": "occupationUri,relationType,skillType,skillUri\n"
    "http://e/o/1,essential,knowledge,http://e/s/1\n",
    "broaderRelationsSkillPillar.csv": "conceptType,conceptUri,broaderType,broaderUri\n"
    "Skill,http://e/s/1,Skill,http://e/s/2\n",
}
_COMPLETION = {
    "entity2text.txt": "/m/1\tAspirin\n/m/2\tPain, acute\n",
    "relation2text.txt": "/r/treats\ttreats\n",
    "train.tsv": "/m/1\t/r/treats\t/m/2\n",
}
_OPENKE = {
    "entity2id.txt": "2\naspirin\t0\npain\t1\n",
    "relation2id.txt": "1\ntreats\t0\n",
    "train2id.txt": "1\n0\t1\t0\n",
}
_RRF = {
    "MRCONSO.RRF": "C1|ENG|P|L1|PF|S1|Y|A1|||D1|MSH|MH|D1|Fever|0|N|256|\n"
    "C2|ENG|P|L2|PF|S2|Y|A2|||D2|MSH|MH|D2|Heart|0|N|256|\n",
    "MRREL.RRF": "C1|A1|AUI|PAR|C2|A2|AUI||R1||MSH|MSH|||N||\n",
    "MRDEF.RRF": "C1|A1|AT1||MSH|A warm body.|N||\n",
}
_GEONAMES = (
    "9000001\tZürl\tZurl\tZurli,Zürl\t47.1\t8.2\tP\tPPL\tCH\t\t25\t\t\t\t100\t\t400\tEurope/Zurich\t"
    "2020-01-01\n"
)
_BABELON = (
    "source_language\ttranslation_language\tsubject_id\tpredicate_id\tsource_value\t"
    "translation_value\nen\tfr\tHP:1\trdfs:label\tFever\tFièvre\n"
)
_IMPORTS = {
    "main.owl": '<?xml version="1.0"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax'
    '-ns#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:owl="http://www.w3.org/2002/07/'
    'owl#">\n<owl:Ontology rdf:about="http://a.org/o"><owl:imports rdf:resource="http://a.org/i"/>'
    '</owl:Ontology>\n<owl:Class rdf:about="http://a.org/b"><rdfs:label>b</rdfs:label></owl:Class>'
    "\n</rdf:RDF>\n",
    "part.ttl": '<http://a.org/c> <http://www.w3.org/2000/01/rdf-schema#label> "c" .\n',
    "catalog-v001.xml": '<?xml version="1.0"?>\n<catalog><uri name="http://a.org/i" '
    'uri="part.ttl"/></catalog>\n',
}
_CONLL = "The\tDT\tO\nlung\tNN\tB-Disease\nfibrosis\tNN\tI-Disease\n.\t.\tO\n\nNo\tDT\tO\n"
_CONLLU = (
    "# text = No fever .\n1\tNo\tno\tDET\tDT\t_\t2\tdet\t_\tNER=O\n"
    "2\tfever\tfever\tNOUN\tNN\t_\t0\troot\t_\tNER=B-Sign|SpaceAfter=No\n"
)
_TEXT_ROWS = (
    '{"text": "High fever", "label": "ill", "spans": [{"start": 5, "end": 10, "label": "Sign"}]}\n'
    '{"id": 1, "text": "High fever", "entities": [{"start_offset": 5, "end_offset": 10, '
    '"label": "Sign"}]}\n{"tokens": ["High", "fever"], "ner_tags": ["O", "B-Sign"]}\n'
    '{"text": "High fever", "spans": [{"start": 0, "end": 4, "label": "X"}], "answer": "reject"}\n'
)

#: Name -> a valid input for a reader of graphs.
GRAPHS: dict[str, Family] = {
    **{name: _graph(write, name) for name, write in WRITERS.items()},
    "records": _graph({"graph.jsonl": _RECORDS}, "records"),
    "apoc": _graph({"graph.json": _APOC}, "records"),
    "tree": _graph({"graph.json": _TREE}, "tree"),
    "fhir": _graph(
        {"graph.json": {"resourceType": "CodeSystem", "version": "1", "concept": _CONCEPTS}}, "fhir"
    ),
    "stix": _graph({"graph.json": {"type": "bundle", "objects": _STIX}}, "stix"),
    "wikidata": _graph(
        {"graph.json": "[\n" + ",\n".join(map(json.dumps, _WIKIDATA)) + "\n]\n"}, "wikidata"
    ),
    "names": _graph({"graph.txt": "fever\nhigh fever\nheart attack\n"}, "names"),
    "paths": _graph({"graph.txt": "Body > Heart\nBody > Heart > Valve\n"}, "paths"),
    "dictionary": _graph({"graph.txt": "E:1|E:2||fever\nE:3||heart|pump\n"}, "dictionary"),
    "rrf": _graph(_RRF),
    "tsv": _graph({"graph.tsv": 'id\tname\tsynonyms\nE1\t"Heart"\tMI|infarct\n'}, "table"),
    "columns": _graph(
        {"graph.csv": _ENTITIES},
        "table",
        columns=(
            *("id=CODE", "name=TITLE", "synonyms=OTHERS", "definition=TEXT"),
            *("parents=ABOVE", "obsolete=OLD"),
        ),
    ),
    "header": _graph(
        {"graph.csv": "E1,fever,pyrexia\nE2,heart,pump\n"},
        "table",
        header=("id", "name", "synonyms"),
    ),
    "levels": _graph(
        {"graph.csv": "sep=;\nlevel 1;level 2;level 3\nVehicles;;\nVehicles;Cars;Taxis\n"}, "table"
    ),
    "geonames": _graph({"graph.txt": _GEONAMES}, "table"),
    "babelon": _graph({"graph.tsv": _BABELON}, "table"),
    "omop": _graph(_OMOP),
    "esco": _graph(_ESCO),
    "completion": _graph(_COMPLETION),
    "openke": _graph(_OPENKE),
    "imports": _graph(_IMPORTS),
}

#: Name -> a valid input for a reader of texts.
TEXTS: dict[str, Family] = {
    "texts csv": _texts("texts.csv", 'text,label\n"High fever, cough",ill\nCough,well\n'),
    "texts tsv": _texts("texts.tsv", "note\tlabel\nHigh fever\till\nCough\twell\n", text="note"),
    "texts sep": _texts("texts.csv", "sep=;\ntext;label\nHigh fever;ill\n"),
    "texts jsonl": _texts("texts.jsonl", _TEXT_ROWS),
    "texts json": _texts("texts.json", [{"text": "High fever", "label": [[5, 10, "Sign"]]}]),
    "texts txt": _texts("texts.txt", "High fever\nCough\n"),
    "texts conll": _texts("texts.conll", _CONLL),
    "texts conllu": _texts("texts.conllu", _CONLLU),
}
