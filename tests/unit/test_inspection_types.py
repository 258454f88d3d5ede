"""What a template of `inspect -f` sees: Go's records, in their order."""

from __future__ import annotations

from typing import Any

import pytest

from mini_docker.gotemplate import Template
from mini_docker.inspection_types import typed

BEGAN, ENDED = "2024-01-02T03:04:05.678900000Z", "2024-01-02T03:04:06Z"
ENTRY = {"Start": BEGAN, "End": ENDED, "ExitCode": 1, "Output": "no"}
FOUND: dict[str, Any] = {
    "Id": "4adc",
    "State": {
        "Status": "running",
        "Running": True,
        "Health": {"Log": [ENTRY], "FailingStreak": 2, "Status": "unhealthy"},
    },
    "HostConfig": {
        "Binds": None,
        "RestartPolicy": {"MaximumRetryCount": 3, "Name": "on-failure"},
        "LogConfig": {"Config": {"max-size": "1m", "max-file": "2"}, "Type": "json-file"},
    },
    "Config": {
        "User": "",
        "Labels": {"b": "1", "State": "2", "a": "3"},
        "Healthcheck": {"Retries": 2, "Timeout": 90 * 10**9, "Test": ["CMD", "true"]},
    },
}


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("{{.HostConfig.RestartPolicy}}", "{on-failure 3}"),
        ("{{json .HostConfig.RestartPolicy}}", '{"Name":"on-failure","MaximumRetryCount":3}'),
        ("{{.HostConfig.LogConfig}}", "{json-file map[max-file:2 max-size:1m]}"),
        ("{{.HostConfig.LogConfig.Config}}", "map[max-file:2 max-size:1m]"),
        (
            "{{json .State.Health}}",
            '{"Status":"unhealthy","FailingStreak":2,"Log":'
            f'[{{"Start":"{BEGAN}","End":"{ENDED}","ExitCode":1,"Output":"no"}}]}}',
        ),
        (
            "{{.State.Health}}",
            "{unhealthy 2 [{2024-01-02 03:04:05.6789 +0000 UTC "
            "2024-01-02 03:04:06 +0000 UTC 1 no}]}",
        ),
        ("{{(index .State.Health.Log 0).End}}", "2024-01-02 03:04:06 +0000 UTC"),
        ("{{json (index .State.Health.Log 0).End}}", f'"{ENDED}"'),
        ("{{range .State.Health.Log}}{{.ExitCode}}{{end}}", "1"),
        ("{{.Config.Healthcheck}}", "{[CMD true] 0s 1m30s 0s 0s 2}"),
        (
            "{{json .Config.Healthcheck}}",
            '{"Test":["CMD","true"],"Timeout":90000000000,"Retries":2}',
        ),
        ("{{.Config.Healthcheck.Timeout}} {{.Config.Healthcheck.Interval}}", "1m30s 0s"),
        ("{{gt .Config.Healthcheck.Timeout 5}}", "true"),
        ("{{json .Config.Labels}}", '{"State":"2","a":"3","b":"1"}'),
        ("{{.Config.Labels}}", "map[State:2 a:3 b:1]"),
        ("{{.HostConfig.Init}}", "<nil>"),
        ('{{index .State "Status"}}', "running"),
    ],
)
def test_a_record_keeps_its_order_and_a_map_is_sorted(form: str, wanted: str) -> None:
    assert Template(form, strict=True).render(typed(FOUND)) == wanted
