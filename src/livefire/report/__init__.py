"""What people and programs read: text that no event can abuse, diagnostics with carets, tables, JSON."""
