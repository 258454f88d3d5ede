"""The engine beside others: scripts/bench measures whole commands, and prints a table."""
