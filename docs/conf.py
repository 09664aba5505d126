"""Documentation: Sphinx, furo and MyST; `make docs` builds it, and a warning is an error."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from textwrap import fill

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

ROOT = Path(__file__).parents[1]
COLUMNS = 82
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "docs/browser")]

project = "handkit"
author = "the handkit authors"
copyright = "2026, the handkit authors"
release = importlib.metadata.version("handkit")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist", "attrs_inline"]
myst_heading_anchors = 4
nitpicky = False
default_role = "code"
nb_execution_mode = "off"  # `make notebooks` runs them
nb_output_stderr = "remove"
exclude_patterns = ["_build", "browser"]
suppress_warnings = ["myst.xref_missing"]  # results/ link to files beside them, which are no pages

html_theme = "furo"
html_title = "handkit"
html_math_renderer = "mathml"  # MathJax would be fetched from another server
pygments_dark_style = "github-dark"
html_static_path = ["_static"]
html_css_files = ["handkit.css"]
html_theme_options = {"footer_icons": [], "top_of_page_buttons": []}
html_search_scorer = str(ROOT / "docs/scorer.js")
html_copy_source = False
html_show_sourcelink = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80


class CommandHelp(SphinxDirective):
    """`{command} predict`: what `handkit predict --help` prints."""

    required_arguments = 0
    optional_arguments = 8

    def run(self) -> list[nodes.Node]:
        """A literal block; a command that fails is an error of the build."""
        command = [sys.executable, "-m", "handkit", *self.arguments, "--help"]
        environment = {
            **os.environ,
            "COLUMNS": str(COLUMNS),
            "NO_COLOR": "1",
            "TERM": "dumb",
            "PYTHONPATH": str(ROOT / "src"),
        }
        printed = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
        lines = [fill(line, COLUMNS) if len(line) > COLUMNS else line for line in printed.strip("\n").splitlines()]
        block = nodes.literal_block(printed, "\n".join(lines))
        block["language"] = "text"
        return [block]


def draw_formula(translator: HTML5Translator, node: nodes.Element) -> None:
    """As MathML, which every browser draws by itself."""
    block = isinstance(node, nodes.math_block)
    drawn = convert(node.astext(), display="block" if block else "inline")
    translator.body.append(f'<div class="math">{drawn}</div>' if block else drawn)
    raise nodes.SkipNode


def add_what_the_browser_runs(app: Sphinx, error: Exception | None) -> None:
    """Beside the script of the page to try handkit on; without the script the page says what it lacks."""
    from facts import BUILT, assemble

    if error is None and app.builder.format == "html" and BUILT.is_dir():
        assemble(Path(app.outdir) / "_static/try")


def setup(app: Sphinx) -> None:
    """Register the directive, formulas and the last step."""
    app.add_directive("command", CommandHelp)
    app.add_html_math_renderer("mathml", (draw_formula, None), (draw_formula, None))
    app.connect("build-finished", add_what_the_browser_runs)
