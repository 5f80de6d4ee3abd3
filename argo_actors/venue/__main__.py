"""`python -m argo_actors.venue`."""

import sys

from .server import main

sys.exit(main(sys.argv[1:]))
