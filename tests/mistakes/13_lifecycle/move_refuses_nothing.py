"""what makes no sense is not refused"""


def move(state: str, verb: str, who: str) -> str:
    if verb in ("start", "stop") and (state in ALIVE) == (verb == "start"):
        return state
    after = {"start": "running", "restart": "running", "unpause": "running", "pause": "paused"}
    after |= {"stop": "exited", "kill": "exited", "remove": "removing"}
    return after.get(verb, state)
