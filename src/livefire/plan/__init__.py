"""The one plan every language lowers to: typed expressions, relational nodes, meanings, rewrites."""
