"""The version of livefire, for modules that the package's front may not be imported by."""

__version__ = "0.1.0"
