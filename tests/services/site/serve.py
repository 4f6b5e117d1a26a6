"""A web server whose worker may die: the parent keeps the port and starts another one, as real ones do.

``python -m tests.services.site.serve PORT``
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import waitress

from tests.services.site.wsgi import application


def main(port: int) -> None:
    """Serve until killed."""
    dying, alive = os.pipe()
    with socket.create_server(("127.0.0.1", port), backlog=128) as listening:
        while True:
            if (child := os.fork()) == 0:
                os.close(alive)
                threading.Thread(target=_end_with_parent, args=(dying,), daemon=True).start()
                waitress.serve(application, sockets=[listening], threads=8)
            os.waitpid(child, 0)


def _end_with_parent(dying: int) -> None:
    """The other end of the pipe is the parent's alone: it closes when the parent dies, however it dies."""
    os.read(dying, 1)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
