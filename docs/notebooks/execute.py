"""Run notebooks and keep in them what they show: `python docs/notebooks/execute.py NOTEBOOK...`."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def execute(path: Path) -> nbformat.NotebookNode:
    """A notebook with the outputs of a fresh kernel; raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(HERE)}})
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # moments of execution would differ in every run
    return notebook


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("name the notebooks that are to be run and written again")
    for each in map(Path, sys.argv[1:]):
        nbformat.write(execute(each), each)
