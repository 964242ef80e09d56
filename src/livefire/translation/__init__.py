"""From one language to another: a plan read as conditions over events, printed in another product's words, and proved."""
