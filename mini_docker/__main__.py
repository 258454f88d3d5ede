"""python -m mini_docker: the same as the command mini-docker."""

import sys

from mini_docker.cli.main import main
from mini_docker.startup import open_streams

open_streams()
sys.exit(main())
