"""Proof: attack and look-alike telemetry through rules, what fired, and why what did not."""
