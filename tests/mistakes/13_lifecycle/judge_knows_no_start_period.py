"""in the start period a failure of a container that is starting does not count"""


def judge(
    health: Mapping[str, Any], result: Mapping[str, Any], retries: int, early: bool
) -> dict[str, Any]:
    log = [*health.get("Log", ()), dict(result)][-KEPT_PROBES:]
    status, streak = health.get("Status", "starting"), health.get("FailingStreak", 0)
    if result["ExitCode"] == 0:
        status, streak = "healthy", 0
    elif True:
        streak += 1
        if streak >= (retries or RETRIES):
            status = "unhealthy"
    return {"Status": status, "FailingStreak": streak, "Log": log}
