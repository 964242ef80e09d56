"""Microsoft's KQL parser as a judge of ours."""
