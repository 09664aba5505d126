"""The rooms of the house: who imports whom, how large anything may grow, what is public."""

import ast
import graphlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import handkit
from handkit.extras import install_command

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "src/handkit").rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
SOURCES = {str(path.relative_to(ROOT)): path for path in [*MODULES.values(), *(ROOT / "tests").rglob("*.py")]}

# Each room and the rooms that it may import; `errors`, `extras`, `files` and `shapes` stand below them all.
# `cli` and the package itself may import every room but `cli`.
NETWORKS = {"models", "layers", "geometry", "skeleton"}
IMAGES = {"asked", "camera", "named_cameras", "depth", "hand", "skeleton"}
ESTIMATOR = {"estimator", "hypotheses", "odds", "anatomy", "hub", "backends", "locate", *IMAGES}
ESTIMATE = {"graph", *ESTIMATOR, *NETWORKS}
ROOMS = {
    "errors": set[str](),
    "shapes": set[str](),
    "asked": set[str](),
    "odds": set[str](),
    "files": set[str](),
    "extras": set[str](),
    "named_cameras": set[str](),
    "lens": set[str](),
    "cleaning": set[str](),
    "camera": {"named_cameras", "lens"},
    "depth": {"camera", "cleaning"},
    "skeleton": set[str](),
    "angles": {"skeleton"},
    "conventions": {"skeleton"},
    "hand": {"angles", "conventions", "skeleton"},
    "smoothing": set[str](),
    "clock": set[str](),
    "bones": {"skeleton"},
    "track": {"bones", "odds", "smoothing", "camera", "hand"},
    "geometry": {"camera"},
    "layers": set[str](),
    "models": {
        "layers",
        "geometry",
        "skeleton",
        "recipes",
        "named_cameras",
        "hub",
        "hand",
        "locate",
    },  # recipes: cubes
    "datasets": {"asked", "camera", "drawing", "named_cameras", "skeleton"},
    "store": {"camera", "datasets", "recipes", "geometry", "skeleton"},
    "synthetic": {"camera", "named_cameras", "geometry", "skeleton"},
    "sources": {"asked", "camera", "depth", "synthetic"},  # synthetic: imported where it is asked for
    "recordings": {"camera", "hand", "sources"},
    "archive": {"recordings", "sources", *ESTIMATOR},
    "doctor": {"camera", "cleaning", "estimator", "hand", "locate", "sources"},
    "viewing": {"camera", "drawing", "hand", "skeleton", "sources"},
    "sinks": {"camera", "clock", "conventions", "hand", "skeleton"},
    "live": {"camera", "hand", "recordings", "reports", "sinks", "sources", "tracking", "viewing"},
    "predicting": {"drawing", "sinks", "sources", *ESTIMATOR},
    "drawing": {"camera", "skeleton"},
    "recipes": {"geometry", "skeleton"},
    "graph": {"hub", *NETWORKS},
    "backends": {"graph", "hub", "locate", *IMAGES, *NETWORKS},
    "locate": {"camera", "odds"},
    "anatomy": {"skeleton"},
    "hypotheses": {"anatomy", "locate", "odds", *IMAGES},
    "hub": set[str](),
    "sharing": {"backends", "hub", "models"},
    "estimator": ESTIMATOR,
    "evaluation": {"datasets", "sources", *ESTIMATOR},
    "reports": {"evaluation", "drawing", "depth", "hand", "skeleton", "sources", "viewing"},
    "tracking": {"track", "clock", "locate", "asked", "camera", "depth", "hand"},
    "benchmark": {"tracking", "sources", "sinks", "models", *ESTIMATOR},
    "demonstration": {"drawing", "sinks", "sources", *ESTIMATOR},
    "rendering": {"asked", "drawing", "hand", "sinks", "skeleton", "synthetic"},
    "parity": {"backends", "camera", "graph", "locate", "models", "odds", "synthetic"},
    "export": {"backends", "hub", "parity", *ESTIMATE},
    "training": {
        "drawing",
        "evaluation",
        "reports",
        "datasets",
        "hub",
        "recipes",
        "store",
        "synthetic",
        *ESTIMATE,
    },
    "studies": {"training", "estimator", "evaluation", "reports", "hub", "recipes", "store", *ESTIMATE},
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
    rooms = {there for there, _ in found} - {here, "errors", "extras", "files", "shapes"}
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


def test_one_place_knows_what_installs_an_extra() -> None:
    """What is right beside a wheel is wrong in a clone."""
    hand_written = re.compile(r"pip install|handkit\[")
    found = {module for module, path in MODULES.items() if hand_written.search(path.read_text(encoding="utf-8"))}
    assert found == {"handkit.extras"}


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


RUNTIME = {
    "shapes", "errors", "files", "asked", "odds", "named_cameras", "lens", "cleaning", "camera", "depth", "skeleton",
    "angles", "conventions", "hand", "anatomy", "hypotheses", "hub", "estimator", "backends", "locate", "sources",
    "sinks", "drawing", "datasets", "evaluation", "reports", "bones", "smoothing", "clock", "track", "tracking", "live",
    "extras", "recordings", "doctor", "viewing", "archive", "benchmark", "predicting", "demonstration",
}  # fmt: skip
"""Rooms that are installed and used without the workshop's packages."""
DOORS = {"handkit.backends.torch", "handkit.backends.openvino", "handkit.benchmark.networks"}
"""Opened when they are asked for."""
WORKSHOP = {"torch", "lightning", "numba", "safetensors", "jaxtyping", "scipy", "onnx", "openvino"}
WITHOUT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(WORKSHOP)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
"""Python without what only the workshop needs."""


def without_the_workshop(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", WITHOUT + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_runtime_needs_nothing_of_the_workshop():
    """Every one of its modules is imported in one process in which the workshop's packages are not to be had."""
    modules = sorted(module for module in MODULES if room(module) in RUNTIME and module not in DOORS)
    assert len(modules) > 30
    code = "import importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    done = without_the_workshop(code, *modules)
    assert done.returncode == 0, done.stderr[-2000:]


def test_live_shows_something_in_a_small_install():
    """Without a source, a camera, or what renders: the bundled recording."""
    no_cameras = "from handkit.sources import opening\nopening.CAMERAS = ()\n"
    code = no_cameras + "from handkit.cli import main\nsys.exit(main(['live']))"
    done = without_the_workshop(code)
    assert done.returncode == 0, done.stderr
    assert "--source demo" in done.stderr.splitlines()[0]
    assert "12 frames" in done.stderr


def test_a_command_names_the_extra_that_it_lacks():
    code = "from handkit.cli import main\nsys.exit(main(sys.argv[1:]))"
    done = without_the_workshop(code, "render", "--count", "1", "--out", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        rf"handkit: this needs \w+, which is not installed: {re.escape(install_command('train'))}\n", done.stderr
    )


PLACES = ("benchmarks/*.py", "examples/**/*.py", "docs/*.py", "docs/browser/*.py", "docs/notebooks/*.py")
SCRIPTS = sorted(path for place in PLACES for path in ROOT.glob(place))
WRITES = {"write_text", "write_bytes", "write_png", "write_whole", "mkdir", "save", "savefig", "write"}


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_writes_into_the_repository_only_where_it_is_told(script: Path) -> None:
    """A folder beside the script is never what it writes to, nor the default of an option."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    beside = {"__file__"}
    for node in tree.body:
        if isinstance(node, ast.Assign) and beside & {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}:
            beside |= {name_of(target) for target in node.targets}
    written: list[ast.AST] = []
    for node in ast.walk(tree):
        writes = isinstance(node, ast.Call) and name_of(node.func) in WRITES
        if writes or (isinstance(node, ast.keyword) and node.arg == "default"):
            written.append(node)
        elif isinstance(node, ast.arguments):
            written += [*node.defaults, *filter(None, node.kw_defaults)]
    names = {each.id for node in written for each in ast.walk(node) if isinstance(each, ast.Name)}
    assert not names & beside
