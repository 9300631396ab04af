import subprocess
import sys

import pytest

from kgbert.utils.registry import known_names, lookup, register_object
from tests.support.errors import raises
from tests.support.project.plugins import install, install_example

GROUP = "kgbert.readers"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a function that registers the readers of an imaginary package."""

    def register(points, name="imaginary"):
        install(tmp_path / name, monkeypatch, name, {GROUP: points})

    return register


def test_a_name_of_the_table_is_found_without_looking_at_packages(installed):
    installed({"obo": "no_such_module:read"})

    assert lookup({"obo": 1}, "obo", "graph format", GROUP) == 1


def test_a_name_of_another_package_is_found_in_its_group_alone(tmp_path, monkeypatch):
    install_example(tmp_path, monkeypatch)

    read = lookup({}, "arrows", "graph format", GROUP)

    assert read.__module__ == "kgbert_example.reader"
    with raises("unknown-name"):
        lookup({}, "arrows", "linker", "kgbert.linkers")
    with raises("unknown-name"):
        lookup({"obo": 1}, "arrows", "graph format")


def test_the_package_is_imported_only_when_its_name_is_used(tmp_path, monkeypatch):
    install_example(tmp_path, monkeypatch)

    lookup({"obo": 1}, "obo", "graph format", GROUP)
    with raises("unknown-name"):
        lookup({"obo": 1}, "obi", "graph format", GROUP)

    assert "kgbert_example" not in sys.modules


def test_an_unknown_name_lists_those_of_the_table_and_of_packages(installed):
    installed({"arrows": "no_such_module:read"})

    with raises("unknown-name") as caught:
        lookup({"obo": 1}, "arows", "graph format", GROUP)

    assert "did you mean 'arrows'? Known: arrows, obo." in str(caught.value)
    assert known_names({"obo": 1}, GROUP) == ["arrows", "obo"]


@pytest.mark.parametrize("target", ["no_such_module:read", "json:no_such_function"])
def test_a_package_that_cannot_be_loaded_is_named(installed, target):
    installed({"arrows": target})

    with raises("broken-plugin") as caught:
        lookup({}, "arrows", "graph format", GROUP)

    assert target in str(caught.value)


def test_one_name_of_two_packages_is_refused(installed):
    installed({"arrows": "json:loads"}, "one")
    installed({"arrows": "json:load"}, "two")

    with raises("ambiguous-plugin") as caught:
        lookup({}, "arrows", "graph format", GROUP)

    assert "json:load, json:loads" in str(caught.value)


def test_a_package_that_is_found_twice_is_one(installed, tmp_path, monkeypatch):
    installed({"arrows": "json:loads"}, "one")
    install(tmp_path / "again", monkeypatch, "one-again", {GROUP: {"arrows": "json:loads"}})

    assert lookup({}, "arrows", "graph format", GROUP) is __import__("json").loads


def test_the_table_is_looked_up_without_loading_the_metadata_of_packages():
    code = (
        "import sys; from kgbert.utils.registry import lookup; lookup({'a': 1}, 'a', 'x', 'g');"
        "print('importlib.metadata' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "False\n"


def test_an_object_needs_a_name_that_is_free():
    table = {}
    register_object(table, "own", 1, "graph encoder")

    with raises("nameless-object"):
        register_object(table, "", 1, "graph encoder")
    with raises("name-taken"):
        register_object(table, "own", 2, "graph encoder")
    assert table == {"own": 1}
