"""a pattern with ! brings back what an earlier one left out"""


class Ignore:
    def matches(self, path: str) -> bool:
        ignored = False
        for pattern in self.patterns:
            # The others change nothing: they would set what is set already.
            if not pattern.negated and pattern.matches(path):
                ignored = True
        return ignored and path != "."
