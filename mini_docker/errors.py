"""Everything that can go wrong, as one tree.

    MiniDockerError             125   the engine cannot do what was asked
      UsageError                125   the command line makes no sense
        FlagError               125   a flag that there is not, or whose value makes no sense
        CommandLineError          1   no such command, or a wrong number of arguments
      ConfigError               125   a bundle, record or file does not say what it must
      NotFound                  125   no such container or image
      Conflict                  125   the name, or the container, is in use
      StateError                125   the container is in the wrong state for this
      LayerError                125   a layer or an archive is not what it must be
      LockedTopic               125   a lab that is not solved yet unlocks this
      KernelError               125   the kernel refused; names the call, the object, the reason
        ProcessError            125   a process could not be started, waited for or signalled
        NamespaceError          125   a namespace could not be made or entered
        RootfsError             125   the root file system could not be put together
        CgroupError             125   a control group could not be made, set or removed
        TerminalError           125   a terminal could not be made, taken or set
      CommandNotExecutable      126   the command exists and cannot be executed
      CommandNotFound           127   there is no such command in the container

The number is the exit code of ``mini-docker run``, as Docker has them. ``exec`` has 126
and 127, and 1 for what fails before; the other commands end with 1. A FlagError is 125
everywhere. docker/cli: cli/cobra.go (FlagErrorFunc), cli/required.go, cmd/docker/docker.go.
A message is one line: what was tried, on what, why, and where it helps what to do.
"""

from __future__ import annotations

import os


class MiniDockerError(Exception):
    """A failure to report to the user in one line, without a traceback."""

    exit_code = 125


class UsageError(MiniDockerError):
    """The command line makes no sense."""


class FlagError(UsageError):
    """There is no such flag, or its value makes no sense: every command ends with 125."""


class CommandLineError(UsageError):
    """There is no such command, or a wrong number of arguments: also ``run`` ends with 1."""

    exit_code = 1


class ConfigError(MiniDockerError):
    """A bundle, a record or a file does not say what it must."""


class NotFound(MiniDockerError):
    """There is no such container or image."""


class Conflict(MiniDockerError):
    """Something else has the name, or uses the object."""


class StateError(MiniDockerError):
    """The container is in the wrong state for what was asked."""


class LayerError(MiniDockerError):
    """A layer, or the archive that it comes in, is not what it must be."""


class RegistryError(MiniDockerError):
    """A registry refuses, lies, or cannot be reached."""


class ConnectionCut(RegistryError):
    """A connection to a registry could not be made, or broke: to try again may help."""


class LockedTopic(MiniDockerError):
    """A lab that the student has not solved yet unlocks this."""


class KernelError(MiniDockerError):
    """The kernel refused something."""


class ProcessError(KernelError):
    """A process could not be started, waited for or signalled."""


class NamespaceError(KernelError):
    """A namespace could not be made or entered."""


class RootfsError(KernelError):
    """The root file system of a container could not be put together."""


class CgroupError(KernelError):
    """A control group could not be made, set or removed."""


class TerminalError(KernelError):
    """A terminal could not be made, taken or set."""


class CommandNotExecutable(MiniDockerError):
    """The command exists and cannot be executed."""

    exit_code = 126


class CommandNotFound(MiniDockerError):
    """There is no such command in the container."""

    exit_code = 127


def reason(error: OSError) -> str:
    """Return the kernel's words for *error*, such as "Permission denied"."""
    return os.strerror(error.errno) if error.errno else str(error)
