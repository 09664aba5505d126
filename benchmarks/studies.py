"""Every table and figure of the papers, its command, and whether it was run here.

    python benchmarks/studies.py RESULTS > results/studies.md

RESULTS is the folder of what studies have left. To the terminal; written into a file where it is sent to one.
"""

import sys
from pathlib import Path

from handkit.studies.index import index

if __name__ == "__main__":
    print(index(Path(sys.argv[1])), end="")
