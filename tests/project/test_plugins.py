import pytest

from kgbert import make_linker, read_examples
from kgbert.cli import main
from kgbert.comparison.arms.registry import ARMS
from kgbert.tasks.registry import find_task
from kgbert.utils.registry import ARMS_GROUP, lookup
from tests.support.project.plugins import install_example


@pytest.fixture(autouse=True)
def example_package(tmp_path, monkeypatch):
    install_example(tmp_path, monkeypatch)


def test_a_graph_of_another_format_is_linked_by_another_linker_from_the_command_line(
    tmp_path, capsys
):
    path = tmp_path / "edges.txt"
    path.write_text("fever -> sign\n")

    status = main(
        ["link", str(path), "No Fever fever", "--format", "arrows", "--linker", "capitalized"]
    )

    assert status == 0
    assert "1 mention in 1 of 1 text" in capsys.readouterr().out


def test_a_linker_of_another_package_is_made_by_its_name(graph):
    ((mention,),) = make_linker(graph, "capitalized")(["a Fever and a cough"])

    assert (mention.start, mention.end, mention.candidates[0].entity) == (2, 7, "EX:2")


def test_a_task_of_another_package_reads_the_texts():
    task = find_task("lowercase-classification")

    assert read_examples([{"text": "Fever", "label": "ILL"}], task)[0].target == "ill"


def test_an_arm_of_another_package_is_found_by_its_name():
    assert lookup(ARMS, "lowercased", "arm", ARMS_GROUP).name == "lowercased"


def test_a_graph_encoder_of_another_package_is_part_of_a_model(fused):
    model = fused(graph_encoder="sender-mean")

    assert any(type(module).__name__ == "SenderMean" for module in model.modules())
