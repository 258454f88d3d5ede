"""after the keys nothing is held"""


class Keys:
    def feed(self, data: bytes) -> bytes:
        typed = self.held + data
        if not self.sequence:
            return typed
        before, found, _ = typed.partition(self.sequence)
        if found:
            self.detached = True
            return before
        self.held = b""
        for length in range(min(len(typed), len(self.sequence) - 1), 0, -1):
            if typed.endswith(self.sequence[:length]):
                self.held = typed[-length:]
                return typed[:-length]
        return typed
