"""The rooms of the house: who imports whom, how large anything may grow, what is public."""

import ast
import graphlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import handkit

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "src/handkit").rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
SOURCES = {str(path.relative_to(ROOT)): path for path in [*MODULES.values(), *(ROOT / "tests").rglob("*.py")]}

# Each room and the rooms that it may import; `errors` and `files` stand below all of them.
# `cli` and the package itself may import every room but `cli`.
NETWORKS = {"models", "layers", "geometry", "skeleton"}
IMAGES = {"camera", "named_cameras", "depth", "hand", "skeleton"}
ESTIMATE = {"inference", "locate", *IMAGES, *NETWORKS}
ROOMS = {
    "errors": set[str](),
    "files": {"errors"},
    "named_cameras": set[str](),
    "lens": set[str](),
    "cleaning": set[str](),
    "camera": {"named_cameras", "lens"},
    "depth": {"camera", "cleaning"},
    "skeleton": set[str](),
    "hand": {"skeleton"},
    "geometry": {"camera"},
    "layers": set[str](),
    "models": {"layers", "geometry", "skeleton", "recipes", "named_cameras"},  # recipes: a weights file's cubes
    "datasets": {"camera", "named_cameras", "geometry", "skeleton"},
    "store": {"camera", "datasets", "recipes", "geometry", "skeleton"},
    "synthetic": {"camera", "named_cameras", "geometry", "skeleton"},
    "sources": set[str](),
    "sinks": {"camera", "hand"},
    "drawing": {"camera", "geometry", "skeleton"},
    "recipes": {"geometry", "skeleton"},
    "backends": {"locate", *IMAGES, *NETWORKS},
    "locate": {"camera", *NETWORKS},
    "inference": {"locate", *IMAGES, *NETWORKS},
    "evaluation": {"datasets", "sources", *ESTIMATE},
    "reports": {"evaluation", "drawing", "geometry", "skeleton"},
    "tracking": ESTIMATE,
    "export": ESTIMATE,
    "training": {"evaluation", "reports", "datasets", "recipes", "store", "synthetic", *ESTIMATE},
    "studies": {"training", "evaluation", "reports", "recipes", "store", *ESTIMATE},
}
TENSORS_ONLY = {"torch", "jaxtyping", "handkit", *sys.stdlib_module_names}
LONGEST = 420
"""Lines of a file: what a paper's own file may need. Over 300 look for a second subject in it."""
NESTED = (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def room(module: str) -> str:
    """`handkit.geometry.crop` lives in `geometry`; the package itself in ``."""
    return module.partition(".")[2].partition(".")[0]


def imports(module: str) -> Iterator[tuple[str, str]]:
    """(module, name) of every import in a module, wherever it stands; no name for `import module`."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                yield (inner, "") if inner in MODULES else (origin, alias.name)


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, docstring aside."""
    doc = function.body[0] if ast.get_docstring(function) else None
    docstring = doc.end_lineno - doc.lineno + 1 if doc and doc.end_lineno else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def depth(node: ast.AST) -> int:
    """How many statements lie inside one another below a node; an `elif` lies beside its `if`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child) + (isinstance(child, NESTED) and not is_elif))
    return deepest


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    here = room(module)
    found = {(room(origin), name) for origin, name in imports(module) if origin.split(".")[0] == "handkit"}
    rooms = {there for there, _ in found} - {here, "errors", "files"}
    if here in {"", "cli", "__main__"}:
        assert here == "__main__" or "cli" not in rooms
        return
    assert here in ROOMS, f"{module} has no place in the layout: add its room and what it may import"
    assert rooms <= ROOMS[here], f"{module} reaches into {sorted(rooms - ROOMS[here])}"
    if here == "models":
        names = {name for there, name in found if there == "geometry"}
        assert names <= {"Space"}, f"{module} takes {sorted(names)} from geometry"
    if here in {"geometry", "layers"}:
        packages = {origin.split(".")[0] for origin, _ in imports(module)}
        assert packages <= TENSORS_ONLY, f"{module} imports {sorted(packages - TENSORS_ONLY)}"


def test_no_cycles() -> None:
    graph = {module: {origin for origin, _ in imports(module) if origin in MODULES} for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("source", SOURCES)
def test_size_budgets(source: str) -> None:
    text = SOURCES[source].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert SOURCES[source].stem not in {"utils", "helpers", "common", "misc", "base"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS):
            assert length(node) <= 40, f"{node.name} has {length(node)} lines"
            assert depth(node) <= 3, f"{node.name} is nested {depth(node)} deep"
        elif isinstance(node, ast.ClassDef):
            public = [child.name for child in node.body if isinstance(child, FUNCTIONS) and child.name[0] != "_"]
            assert len(public) <= 8, f"{node.name} has {len(public)} public methods"


def test_all_is_what_is_exported() -> None:
    exported = {name for origin, name in imports("handkit") if origin.startswith("handkit.")}
    listed = getattr(handkit, "__all__", [])
    assert {name for name in listed if name != "__version__"} == exported
    assert all(hasattr(handkit, name) for name in listed)
