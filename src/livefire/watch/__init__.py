"""Continuous detection: sources into the lake, rules on their schedules, alerts that are kept, and sinks that get each of them."""
