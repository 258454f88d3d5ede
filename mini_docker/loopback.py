"""The loopback interface of a new network namespace: it is there, and down. netdevice(7)."""

from __future__ import annotations

import struct
from _socket import AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, socket
from fcntl import ioctl

from mini_docker.errors import KernelError, reason

SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def bring_up(name: str = "lo") -> None:
    """Set the interface *name* of the caller's network namespace up."""
    probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC)
    try:
        request = struct.pack("16sH14x", name.encode(), 0)
        flags = struct.unpack("16sH14x", ioctl(probe.fileno(), SIOCGIFFLAGS, request))[1]
        request = struct.pack("16sH14x", name.encode(), flags | IFF_UP)
        ioctl(probe.fileno(), SIOCSIFFLAGS, request)
    except OSError as error:
        raise KernelError(f"cannot bring {name} up: {reason(error)}") from error
    finally:
        probe.close()
