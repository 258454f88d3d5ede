"""What all tests share: they run the engine's own modules, whatever a student has under work/."""

from __future__ import annotations

import os

os.environ["MINI_DOCKER_PROGRESS"] = ""
