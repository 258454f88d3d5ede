"""after a false start the search begins too late"""


class Keys:
    def feed(self, data: bytes) -> bytes:
        typed, self.held = self.held + data, b""
        if not self.sequence:
            return typed
        before, found, _ = typed.partition(self.sequence)
        if found:
            self.detached = True
            return before
        for length in [min(len(typed), len(self.sequence) - 1)]:
            if length and self.sequence.startswith(typed):
                self.held = typed[-length:]
                return typed[:-length]
        return typed
