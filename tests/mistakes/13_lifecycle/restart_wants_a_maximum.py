"""neither need hold every field"""


def restart(policy: Mapping[str, Any], state: Mapping[str, Any], lived: float) -> float | None:
    name, most = policy.get("Name", ""), policy.get("MaximumRetryCount")
    if state.get("Stopped") or name in ("", "no"):
        return None
    if name == "on-failure":
        spent = most > 0 and state.get("RestartCount", 0) >= most
        if spent or state.get("ExitCode", 0) == 0:
            return None
    last = 0.0 if lived >= STEADY else state.get("RestartDelay", 0.0)
    return min(2 * last, LONGEST_DELAY) if last else FIRST_DELAY
