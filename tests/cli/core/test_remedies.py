import ast
import re
from pathlib import Path

import pytest

import kgbert.graph
from kgbert import ReadOptions
from kgbert.cli.core.remedies import as_typed
from kgbert.cli.main import main


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        ("nothing of Python (at all)", "nothing of Python (at all)"),
        ("read_graph('a b(.owl')", "kgbert inspect 'a b(.owl'"),
        ("merge_graphs([read_graph('a.obo')])", "merge_graphs([read_graph('a.obo')])"),
        ("read_graph(['a.ttl', 'b.nt'])", "read_graph(['a.ttl', 'b.nt'])"),
        ("read_graph('it\\'s.txt', format='nt').", "--format nt."),
        (
            "read_graph('a)', options=ReadOptions(label='dcterms:title')); or: "
            "ReadOptions(name_from_id=True).",
            "--label dcterms:title; or: --name-from-id.",
        ),
        ("ReadOptions(roots=('HP:1', 'HP:2'), root_radius=2)", "--roots HP:1,HP:2 --root-radius 2"),
        (
            "ReadOptions(limits=Limits(bytes=160, ratio=10_000))",
            "--limit bytes=160 --limit ratio=10000",
        ),
        ("ReadOptions(columns=('from', 'how', 'to'))", "--columns from,how,to"),
        ("broken: ReadOptions(relations=(", "broken: ReadOptions(relations=("),
        ("ReadOptions(relations=mine)", "ReadOptions(relations=mine)"),
    ],
)
def test_python_becomes_what_is_typed(message, typed):
    assert as_typed(message) == typed


def test_every_option_that_a_reader_names_can_be_typed(capsys):
    folder = Path(kgbert.graph.__file__).parent
    strings = [
        node.value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    named = {name for text in strings for name in re.findall(r"ReadOptions\((\w+)=", text)} & set(
        ReadOptions.__dataclass_fields__
    )

    with pytest.raises(SystemExit):
        main(["inspect", "--help"])

    page = capsys.readouterr().out
    typed = {as_typed(f"ReadOptions({name}=1)").split()[0] for name in named - {"limits"}}
    assert len(named) >= 5
    assert [option for option in typed | {"--limit"} if option not in page] == []


def test_a_command_says_what_to_type(tmp_path, capsys):
    path = tmp_path / "poem.txt"
    path.write_text("Shall I compare thee to a summer's day?")

    assert main(["inspect", str(path)]) == 1

    assert "If you know it, say it: --format turtle." in capsys.readouterr().err


def test_a_folder_without_graphs_says_what_to_type_and_names_its_files_apart(tmp_path, capsys):
    for name in ("a/notes.md", "b/notes.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("nothing")

    assert main(["inspect", str(tmp_path)]) == 1

    said = capsys.readouterr().err
    assert "(it holds a/notes.md, b/notes.md)" in said
    assert f"kgbert inspect {tmp_path}/ontology.owl" in said
