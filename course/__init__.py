"""The course's own machinery: generate, weave, record, grade, and the `lab` command."""
