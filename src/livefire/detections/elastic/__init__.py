"""Elastic's detection rules: what a rule file says, and the alerts its executions make."""
