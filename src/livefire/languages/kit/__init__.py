"""What every parser is made of: tokens, a lexer, a cursor with good errors, and expression nodes."""
