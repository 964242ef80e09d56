"""What pages show, as plain data: texts, numbers, lists and dicts, and nothing that a page could do harm with."""
