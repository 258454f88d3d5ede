"""a pattern that does not match says nothing"""


class Ignore:
    def matches(self, path: str) -> bool:
        ignored = False
        for pattern in self.patterns:
            # The others change nothing: they would set what is set already.
            ignored = bool(pattern.matches(path)) != pattern.negated
        return ignored and path != "."
