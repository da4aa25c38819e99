"""Names below localhost are this machine's, whatever the resolver knows of them. What
a client has to know is in TOLD."""

import json
import os
import socket

TOLD = json.loads(os.environ["TOLD"])
PREFIX = "backup-statistics/"
WRONG_REGION = "cn-shanghai"

_resolve = socket.getaddrinfo


def _getaddrinfo(host, *rest, **more):
    if isinstance(host, str) and host.endswith(".localhost"):
        host = "127.0.0.1"
    return _resolve(host, *rest, **more)


socket.getaddrinfo = _getaddrinfo
