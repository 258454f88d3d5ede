"""a start that has nothing to do answers with the state it found"""


def move(state: str, verb: str, who: str) -> str:
    if refusal := REFUSED.get((verb, state)):
        raise StateError(refusal.format(who))
    if verb == "stop" and state not in ALIVE:
        return state
    after = {"start": "running", "restart": "running", "unpause": "running", "pause": "paused"}
    after |= {"stop": "exited", "kill": "exited", "remove": "removing"}
    return after.get(verb, state)
