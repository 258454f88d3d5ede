"""an empty sequence stands in every text"""


class Keys:
    def feed(self, data: bytes) -> bytes:
        typed, self.held = self.held + data, b""
        before, found, _ = typed.partition(self.sequence or b"\0")
        if found or not self.sequence:
            self.detached = True
            return before
        for length in range(min(len(typed), len(self.sequence) - 1), 0, -1):
            if typed.endswith(self.sequence[:length]):
                self.held = typed[-length:]
                return typed[:-length]
        return typed
