"""What the container's health check runs: ask our own web server, under the name the browsers use."""

import os
import sys
import urllib.request
from urllib.parse import urlsplit


def main() -> int:
    """Return 0 when the web server can serve, 1 otherwise."""
    port = os.environ.get("BIND", "127.0.0.1:8000").rpartition(":")[2]
    host = urlsplit(os.environ["PUBLIC_URL"]).netloc
    request = urllib.request.Request(f"http://127.0.0.1:{port}/health/ready", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=4):  # noqa: S310 - likewise
            return 0
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
