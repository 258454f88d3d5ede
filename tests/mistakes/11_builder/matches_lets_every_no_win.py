"""the first pattern that matches decided, and not the last"""


class Ignore:
    def matches(self, path: str) -> bool:
        ignored = False
        for pattern in self.patterns:
            # The others change nothing: they would set what is set already.
            if pattern.matches(path) and pattern.negated:
                return False
            ignored = ignored or bool(pattern.matches(path))
        return ignored and path != "."
