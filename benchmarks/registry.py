"""The registry that all push to and pull from: the distribution's, in our network namespace.

It keeps its files in memory like everything else, and remembers nothing beside them: without
them it is empty. All reach it at 127.0.0.1, which every engine speaks to without TLS.
"""

from __future__ import annotations

import functools
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import time
from typing import Any

from benchmarks.command import Failed, call
from benchmarks.peers import Inside
from benchmarks.sample import REFERENCE, REGISTRY, Sample

PROGRAM = PACKAGE = "docker-registry"
PATIENCE = 20.0  # seconds for its start
NAME, TAG = REFERENCE.partition("/")[2].split(":")


class Registry:
    """The registry, and the directory that it keeps its files in."""

    def __init__(self, inside: Inside) -> None:
        self._files = f"{inside.directory}/registry"
        os.makedirs(self._files)
        path = f"{inside.directory}/registry.json"  # it reads YAML: this is some
        with open(path, "w") as file:
            json.dump(_configuration(self._files), file)
        call(["ip", "link", "set", "lo", "up"], inside.environment)
        with open(f"{inside.directory}/registry.log", "wb") as log:
            argv = [PROGRAM, "serve", path]
            self._process = subprocess.Popen(argv, env=inside.environment, stdout=log, stderr=log)
        self._wait()

    def empty(self) -> None:
        """Forget all that was pushed."""
        shutil.rmtree(f"{self._files}/docker", ignore_errors=True)

    def fill(self, sample: Sample) -> None:
        """See to it that the registry has *sample*, its layers by gzip."""
        config, manifest = sample.documents
        kind = {"Content-Type": json.loads(manifest)["mediaType"]}
        where = f"/v2/{NAME}/manifests/{TAG}"
        if _ask("HEAD", where, headers={"Accept": kind["Content-Type"]})[0] == 200:
            return
        _upload(config)
        for path in sample.layers:
            with open(path, "rb") as file:
                _upload(file.read())
        if _ask("PUT", where, manifest, kind)[0] != 201:
            raise Failed("the registry does not take the manifest")

    def _wait(self) -> None:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                _ask("GET", "/v2/")
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise Failed(f"{PROGRAM} does not answer: {error}") from error
            time.sleep(0.05)


@functools.cache
def _started(directory: str) -> dict[str, Registry]:
    return {}


def start(inside: Inside) -> Registry:
    """Return the registry of this run; it ends with our pid namespace."""
    running = _started(inside.directory)
    if not running:
        running[REGISTRY] = Registry(inside)
    return running[REGISTRY]


def _configuration(files: str) -> dict[str, Any]:
    return {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": files}},
        "http": {"addr": REGISTRY},
    }


def _upload(data: bytes) -> None:
    _, headers = _ask("POST", f"/v2/{NAME}/blobs/uploads/")
    where = f"{headers['Location']}&digest=sha256:{hashlib.sha256(data).hexdigest()}"
    kind = {"Content-Type": "application/octet-stream"}
    status, _ = _ask("PUT", where.partition(REGISTRY)[2], data, kind)
    if status != 201:
        raise Failed(f"the registry does not take a blob: {status}")


def _ask(
    method: str, where: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(REGISTRY, timeout=60)
    try:
        connection.request(method, where, body, headers or {})
        reply = connection.getresponse()
        reply.read()
        return reply.status, reply.headers
    finally:
        connection.close()
