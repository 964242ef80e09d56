"""Plans on a cluster: which part of a plan the cluster says itself, which is carried to its nodes, and how it gets there."""

NESTED = "nested:"
"""What the names of tables begin with that hold the rows of a nested query and go along to the nodes."""
