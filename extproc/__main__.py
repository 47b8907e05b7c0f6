"""`python -m extproc` is `intentmesh`."""

from extproc.cli import main

main()
