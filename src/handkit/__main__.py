"""`python -m handkit`: the command line where its script is not on the path."""

import sys

from handkit.cli import main

sys.exit(main())
