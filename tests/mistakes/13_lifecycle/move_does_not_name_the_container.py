"""the container's name was not put into the sentence"""


def move(state: str, verb: str, who: str) -> str:
    if refusal := REFUSED.get((verb, state)):
        raise StateError(refusal)
    if verb in ("start", "stop") and (state in ALIVE) == (verb == "start"):
        return state
    after = {"start": "running", "restart": "running", "unpause": "running", "pause": "paused"}
    after |= {"stop": "exited", "kill": "exited", "remove": "removing"}
    return after.get(verb, state)
