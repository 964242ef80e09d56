"""logsources."""
