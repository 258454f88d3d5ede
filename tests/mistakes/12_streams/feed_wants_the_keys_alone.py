"""a read may hold more than the keys"""


class Keys:
    def feed(self, data: bytes) -> bytes:
        typed, self.held = self.held + data, b""
        if not self.sequence:
            return typed
        before, found, _ = typed.partition(self.sequence)
        if typed == self.sequence:
            self.detached = True
            return before
        for length in range(min(len(typed), len(self.sequence) - 1), 0, -1):
            if typed.endswith(self.sequence[:length]):
                self.held = typed[-length:]
                return typed[:-length]
        return typed
