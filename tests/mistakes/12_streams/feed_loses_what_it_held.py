"""a key that was held back is lost"""


class Keys:
    def feed(self, data: bytes) -> bytes:
        typed, self.held = (
            (self.held + data if (self.held + data).startswith(self.sequence) else data),
            b"",
        )
        if not self.sequence:
            return typed
        before, found, _ = typed.partition(self.sequence)
        if found:
            self.detached = True
            return before
        for length in range(min(len(typed), len(self.sequence) - 1), 0, -1):
            if typed.endswith(self.sequence[:length]):
                self.held = typed[-length:]
                return typed[:-length]
        return typed
