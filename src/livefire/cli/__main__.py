"""`python -m livefire.cli`."""

from livefire.cli import main

main()
