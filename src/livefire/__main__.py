"""`python -m livefire`: the same as the command `livefire`."""

from livefire.cli import main

if __name__ == "__main__":
    main()
