"""`python -m argo_actors.cli`."""

from .main import main

main()
