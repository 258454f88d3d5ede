"""the sequence came in two reads and was not found"""


class Keys:
    def feed(self, data: bytes) -> bytes:
        typed, self.held = self.held + data, b""
        if not self.sequence:
            return typed
        before, found, _ = typed.partition(self.sequence)
        if found:
            self.detached = True
            return before
        return typed
