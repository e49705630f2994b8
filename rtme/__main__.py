"""``python -m rtme``."""

from rtme.cli import main

main()
