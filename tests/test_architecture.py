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
from evaluation.hands import moving_hand, to_uvd, write

import handkit
from handkit.extras import install_command

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "src/handkit").rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
SOURCES = {str(path.relative_to(ROOT)): path for path in [*MODULES.values(), *(ROOT / "tests").rglob("*.py")]}

# Each room and the rooms that it imports, no fewer; `errors`, `extras`, `files` and `shapes` stand below them all.
# `cli` and the package itself may import every room but `cli`.
USES = {
    "errors": "",
    "shapes": "",
    "asked": "",
    "odds": "",
    "files": "",
    "extras": "",
    "named_cameras": "",
    "lens": "",
    "cleaning": "",
    "camera": "lens named_cameras",
    "doubts": "camera",
    "depth": "camera cleaning doubts",
    "skeleton": "",
    "angles": "skeleton",
    "conventions": "skeleton",
    "hand": "angles conventions skeleton",
    "smoothing": "",
    "clock": "",
    "bones": "skeleton",
    "track": "bones camera hand odds smoothing",
    "geometry": "camera",
    "layers": "",
    "models": "geometry hand hub layers locate named_cameras skeleton",
    "datasets": "asked camera drawing named_cameras skeleton",
    "store": "camera datasets geometry recipes skeleton",
    "synthetic": "camera geometry named_cameras",
    "sources": "asked camera depth synthetic",
    "recordings": "camera hand sources",
    "archive": "asked backends camera depth estimator hand recordings skeleton sources",
    "doctor": "cleaning depth doubts estimator hand locate sources",
    "viewing": "camera drawing hand skeleton sources",
    "sinks": "camera clock conventions hand skeleton",
    "live": "depth hand recordings reports sinks sources tracking viewing",
    "predicting": "asked camera depth drawing estimator hand sinks sources",
    "drawing": "camera skeleton",
    "recipes": "geometry",
    "graph": "geometry hub models recipes",
    "backends": "asked camera graph hub locate models skeleton",
    "locate": "camera odds",
    "anatomy": "skeleton",
    "hypotheses": "anatomy asked camera doubts hand locate odds skeleton",
    "hub": "",
    "sharing": "backends hub models",
    "estimator": "anatomy asked backends camera depth doubts hand hypotheses locate odds skeleton",
    "evaluation": "asked camera datasets depth estimator hand sources",
    "reports": "depth drawing evaluation hand skeleton sources viewing",
    "tracking": "asked camera clock depth hand locate odds track",
    "benchmark": "asked backends camera depth estimator hand models sinks skeleton sources tracking",
    "demonstration": "depth drawing estimator hand sinks sources",
    "rendering": "asked drawing hand sinks skeleton synthetic",
    "parity": "backends camera graph locate models odds synthetic",
    "export": "backends graph hub locate models parity",
    "training": "asked camera datasets depth drawing estimator evaluation geometry graph "
    "hub locate models recipes reports skeleton store synthetic",
    "studies": "asked estimator evaluation geometry graph hub models recipes reports skeleton store synthetic training",
}
ROOMS = {here: set(uses.split()) for here, uses in USES.items()}
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
    if here in {"geometry", "layers"}:
        packages = {origin.split(".")[0] for origin, _ in imports(module)}
        assert packages <= TENSORS_ONLY, f"{module} imports {sorted(packages - TENSORS_ONLY)}"


def test_no_room_may_import_what_it_does_not() -> None:
    imported = {here: set[str]() for here in ROOMS}
    for module in MODULES:
        imported.get(room(module), set()).update(room(origin) for origin, _ in imports(module) if origin in MODULES)
    everywhere = {"errors", "extras", "files", "shapes"}
    unused = {here: sorted(ROOMS[here] - imported[here]) for here in ROOMS if ROOMS[here] - imported[here]}
    assert not unused
    assert not any(everywhere & uses for uses in ROOMS.values())


PAPERS = sorted({model.__module__ for model in handkit.MODELS.values()})
AROUND = {
    "handkit.models.localizer": set[tuple[str, str]](),
    "handkit.models.confidence": {("handkit.hand", "GOOD_MM")},
    "handkit.models.detector": {("handkit.locate", "STRIDE")},
}
"""Networks that stand around a pose network, and what they alone know besides."""


@pytest.mark.parametrize("module", [*PAPERS, *AROUND])
def test_a_network_knows_layers_space_and_skeletons(module: str) -> None:
    """Neither a camera, a recipe nor a weights file, nor another network."""
    allowed = {("handkit.geometry.crop", "Space"), ("handkit.skeleton", "Skeleton"), *AROUND.get(module, ())}
    found = {(origin, name) for origin, name in imports(module) if origin.split(".")[0] == "handkit"}
    others = {(origin, name) for origin, name in found if room(origin) != "layers"} - allowed
    assert {origin for origin, _ in others} == {"handkit.models.network"}, f"{module} takes {sorted(others)}"


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
    "shapes", "errors", "files", "asked", "odds", "named_cameras", "lens", "cleaning", "camera", "doubts", "depth",
    "skeleton", "angles", "conventions", "hand", "anatomy", "hypotheses", "hub", "estimator", "backends", "locate",
    "sources", "sinks", "drawing", "datasets", "evaluation", "reports", "bones", "smoothing", "clock", "track",
    "tracking", "live", "extras", "recordings", "doctor", "viewing", "archive", "benchmark", "predicting",
    "demonstration",
}  # fmt: skip
"""Rooms that are installed and used without the workshop's packages."""
DOORS = {"handkit.backends.torch", "handkit.backends.openvino", "handkit.benchmark.networks"}
"""Opened when they are asked for."""
LISTED = {"handkit.models", "handkit.models.papers", "handkit.models.listing"}
"""What stands beside the networks and says what there is, which `handkit info` prints everywhere."""
WORKSHOP = {"torch", "lightning", "numba", "safetensors", "jaxtyping", "scipy", "onnx", "openvino"}
WITHOUT = f"""
import sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name.partition(".")[0] in {sorted(WORKSHOP)} else find(name, *rest)
"""
"""Python without what only the workshop needs."""


def without_the_workshop(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", WITHOUT + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_runtime_needs_nothing_of_the_workshop():
    """Every one of its modules is imported in one process in which the workshop's packages are not to be had."""
    modules = sorted(LISTED | {module for module in MODULES if room(module) in RUNTIME} - DOORS)
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


RECORDING = ROOT / "src/handkit/recording"
CAMERA = ("--camera", "kinect1")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("info",), "latent-fusion"),
        (("info", "--json"), '"networks"'),
        (("predict", str(RECORDING / "00.png"), *CAMERA), '"handedness":'),
        (("score", "labels.txt", "--dataset", "icvl", "--labels", "labels.txt"), "mean joint error 0.000 mm"),
        (("doctor", str(RECORDING), *CAMERA, "--frames", "2"), "the first 2 looked at"),
        (("cameras",), "needs no camera: "),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_a_small_install_needs_neither_torch_nor_numba(command: tuple[str, ...], words: str, tmp_path: Path) -> None:
    write(tmp_path / "labels.txt", to_uvd(moving_hand(16, 30), "icvl"))
    code = f"import os\nos.chdir({str(tmp_path)!r})\nfrom handkit.cli import main\nsys.exit(main(sys.argv[1:]))"
    done = without_the_workshop(code, *command)
    assert words in done.stdout, done.stderr
    assert done.returncode == 0 or command == ("cameras",), done.stderr  # 1 where none is plugged in


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
