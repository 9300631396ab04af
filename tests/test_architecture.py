import ast
from pathlib import Path

import pytest

import kgbert

PACKAGE = Path(kgbert.__file__).parent
PROJECT = Path(__file__).parents[1]

#: The way of the data: a room may import from the rooms before it.
ORDER = [
    "lookup",
    "places",
    "saving",
    "drawing",
    "texts",
    "graph",
    "linking",
    "batching",
    "modeling",
    "training",
    "comparing",
    "demo",
    "cli",
    "__main__",
]

#: Rooms whose modules must load without torch: looking at a graph and its texts is instant.
LIGHT = {*ORDER[: ORDER.index("batching")], "cli"}

HEAVY = {"torch", "transformers", "torch_geometric", "accelerate", "sklearn"}

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
ROOMED = [module for module in MODULES if module != Path("__init__.py")]


def room_of(module):
    return module.parts[0].removesuffix(".py")


def imported(tree):
    """Yield every imported name in full, ``from kgbert.graph import x`` as kgbert.graph.x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides its room"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(tree):
    homes = {f"kgbert.{name}": home for name, home in kgbert._HOMES.items()}
    names = (homes.get(name, name) for name in imported(tree))
    return {name.split(".")[1] for name in names if name.startswith("kgbert.")} - {"__version__"}


def at_import(tree):
    """Return what runs when the module is imported."""

    class Pruned(ast.NodeTransformer):
        def visit_FunctionDef(self, node):
            return None

        def visit_If(self, node):
            return None if ast.unparse(node.test) == "TYPE_CHECKING" else node

        visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name that ast calls

    return Pruned().visit(tree)


def parsed(module):
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", ROOMED, ids=str)
def test_imports_point_to_rooms_before(module):
    allowed = set(ORDER[: ORDER.index(room_of(module)) + 1])

    assert rooms_imported(parsed(module)) <= allowed


@pytest.mark.parametrize("module", [m for m in ROOMED if room_of(m) in LIGHT], ids=str)
def test_light_rooms_load_without_torch(module):
    roots = {name.split(".")[0] for name in imported(at_import(parsed(module)))}

    assert not roots & HEAVY


@pytest.mark.parametrize("block", ["def f():", "if TYPE_CHECKING:"])
def test_a_late_import_counts_for_the_order_and_not_for_loading(block):
    tree = ast.parse(f"{block}\n    import torch\n    from kgbert.cli import main\n")

    assert rooms_imported(tree) == {"cli"}
    assert not list(imported(at_import(tree)))


def test_a_public_name_counts_as_its_room():
    assert rooms_imported(ast.parse("from kgbert import Mention, __version__")) == {"linking"}


@pytest.mark.parametrize("name", kgbert._HOMES)
def test_every_public_name_is_where_it_is_said_to_be(name):
    home = Path(*kgbert._HOMES[name].split(".")[1:])

    assert {home.with_suffix(".py"), home / "__init__.py"} & set(MODULES)
    # A table has no name of its own.
    assert getattr(getattr(kgbert, name), "__name__", name) == name


def test_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'kgbert' has no attribute 'Ontology'"):
        kgbert.Ontology  # noqa: B018 - the access is what is tested


@pytest.mark.parametrize("folder", ["kgbert", "tests", "benchmarks"])
def test_no_file_is_longer_than_one_idea(folder):
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in (PROJECT / folder).rglob("*.py")
    }

    assert {name: length for name, length in lengths.items() if length > 350} == {}
