"""without its root there is no context"""


class Ignore:
    def matches(self, path: str) -> bool:
        ignored = False
        for pattern in self.patterns:
            # The others change nothing: they would set what is set already.
            if pattern.negated == ignored and pattern.matches(path):
                ignored = not pattern.negated
        return ignored
