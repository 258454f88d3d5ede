"""a stop that has nothing to do must not claim that it ended it"""


def move(state: str, verb: str, who: str) -> str:
    if refusal := REFUSED.get((verb, state)):
        raise StateError(refusal.format(who))
    if verb == "start" and state in ALIVE:
        return state
    after = {"start": "running", "restart": "running", "unpause": "running", "pause": "paused"}
    after |= {"stop": "exited", "kill": "exited", "remove": "removing"}
    return after.get(verb, state)
