"""Log sources: reading foreign bytes into typed events."""
