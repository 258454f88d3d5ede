"""what it was given has been changed"""


def judge(
    health: Mapping[str, Any], result: Mapping[str, Any], retries: int, early: bool
) -> dict[str, Any]:
    health = health if isinstance(health, dict) else dict(health)
    health["Log"] = [*health.get("Log", ()), dict(result)][-KEPT_PROBES:]
    health.setdefault("Status", "starting")
    health.setdefault("FailingStreak", 0)
    if result["ExitCode"] == 0:
        health.update(Status="healthy", FailingStreak=0)
    elif not (early and health["Status"] == "starting"):
        health["FailingStreak"] += 1
        if health["FailingStreak"] >= (retries or RETRIES):
            health["Status"] = "unhealthy"
    return health
