import ast
import re
from pathlib import Path

import networkx as nx
import pytest

import kgbert

PACKAGE = Path(kgbert.__file__).parent

#: The order in which data flows: a room may import only from the rooms before it.
ORDER = [
    "utils",
    "reporting",
    "data",
    "graph",
    "features",
    "linking",
    "encoding",
    "models",
    "baselines",
    "tasks",
    "pretraining",
    "runtime",
    "training",
    "explanation",
    "comparison",
    "tuning",
    "deployment",
    "demo",
    "cli",
    "__main__",
]

#: Rooms whose modules load without torch, so that looking at a graph and its texts is instant.
LIGHT = {"utils", "reporting", "data", "graph", "linking", "runtime", "cli"}
#: Their only modules that compute with an encoder.
WITH_TORCH = {
    Path("linking/embedding"),
    Path("utils/device.py"),
}

HEAVY = {"torch", "transformers", "torch_geometric", "accelerate", "sklearn"}

#: More entries than this in one folder and a newcomer gets lost.
MOST_ENTRIES = 16

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
ROOMED = [module for module in MODULES if module != Path("__init__.py")]
FOLDERS = sorted({module.parent for module in ROOMED})


def room_of(module):
    return module.parts[0].removesuffix(".py")


def dotted(module):
    parts = module.with_suffix("").parts
    return ".".join(("kgbert", *(part for part in parts if part != "__init__")))


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


def needs_torch(module):
    return any(place in (module, *module.parents) for place in WITH_TORCH)


@pytest.mark.parametrize("module", ROOMED, ids=str)
def test_imports_point_to_rooms_before(module):
    allowed = set(ORDER[: ORDER.index(room_of(module)) + 1])

    assert rooms_imported(parsed(module)) <= allowed


@pytest.mark.parametrize(
    "module", [m for m in ROOMED if room_of(m) in LIGHT and not needs_torch(m)], ids=str
)
def test_light_rooms_load_without_torch(module):
    roots = {name.split(".")[0] for name in imported(at_import(parsed(module)))}

    assert not roots & HEAVY


def test_no_module_imports_itself_in_a_circle():
    homes = {dotted(module) for module in MODULES}
    graph = nx.DiGraph()
    for module in ROOMED:
        # Views of a graph (networkx, rdflib, PyG) are imported when they are asked for.
        for name in imported(at_import(parsed(module))):
            while name not in homes and "." in name:
                name = name.rpartition(".")[0]
            if name in homes and name not in ("kgbert", dotted(module)):
                graph.add_edge(dotted(module), name)

    circles = [sorted(group) for group in nx.strongly_connected_components(graph) if group]

    assert [circle for circle in circles if len(circle) > 1] == []


def task_discriminators(tree):
    """Yield the expressions that tell tasks apart, in place of asking the task."""
    tests = [node.test for node in ast.walk(tree) if isinstance(node, ast.If | ast.IfExp)]
    operands = [
        operand
        for test in tests
        for operand in (test.values if isinstance(test, ast.BoolOp) else [test])
    ]
    for node in operands:
        inner = node.operand if isinstance(node, ast.UnaryOp) else node
        # ``if example.spans`` and ``if processor.candidates``
        if isinstance(inner, ast.Attribute) and inner.attr in ("spans", "candidates"):
            owner = ast.unparse(inner.value)
            if owner.rpartition(".")[2] in ("example", "processor"):
                yield ast.unparse(node)
    for node in ast.walk(tree):
        text = ast.unparse(node) if isinstance(node, ast.Call | ast.Attribute) else ""
        if re.fullmatch(r"isinstance\((\w+\.)*(answer|target|gold|prediction), .*\)", text):
            yield text
        if re.fullmatch(r"(\w+\.)*(logits|answer|target)\.ndim", text):
            yield text


#: Rooms that handle the texts and answers of every task.
TASK_BLIND = {*ORDER[ORDER.index("encoding") :]} - {"tasks"}


@pytest.mark.parametrize("module", [m for m in ROOMED if room_of(m) in TASK_BLIND], ids=str)
def test_only_tasks_know_which_task_it_is(module):
    assert list(task_discriminators(parsed(module))) == []


@pytest.mark.parametrize(
    "code",
    [
        "if isinstance(answer, str): pass",
        "x = 1 if example.spans else 2",
        "if not each.example.spans: pass",
        "if wide and self.processor.candidates: pass",
        "x = outputs.logits.ndim == 3",
    ],
)
def test_telling_tasks_apart_is_found(code):
    assert list(task_discriminators(ast.parse(code)))


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_shows_at_most_about_fifteen_things(folder):
    shown = {
        module.parts[len(folder.parts)]
        for module in MODULES
        if folder in module.parents and module.name != "__init__.py"
    }
    # The package itself contains the rooms of ORDER.
    most = MOST_ENTRIES if folder.parts else len(ORDER) + 4

    assert len(shown) <= most, sorted(shown)


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
