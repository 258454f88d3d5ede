"""python -m mini_docker: the same as the command mini-docker."""

import sys

from mini_docker.cli.main import main

sys.exit(main())
