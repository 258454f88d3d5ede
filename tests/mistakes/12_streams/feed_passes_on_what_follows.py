"""what was typed after the keys was passed on"""


class Keys:
    def feed(self, data: bytes) -> bytes:
        typed, self.held = self.held + data, b""
        if not self.sequence:
            return typed
        before, found, after = typed.partition(self.sequence)
        if found:
            self.detached = True
            return before + after
        for length in range(min(len(typed), len(self.sequence) - 1), 0, -1):
            if typed.endswith(self.sequence[:length]):
                self.held = typed[-length:]
                return typed[:-length]
        return typed
