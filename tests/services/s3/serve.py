"""Serves moto's S3 on a port of loopback until it is ended: serve.py PORT MARK. The mark says whose server it is."""

import sys

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main():
    """Serves."""
    port = int(sys.argv[1])
    app = DomainDispatcherApplication(create_backend_app)
    try:
        server = make_server("127.0.0.1", port, app, threaded=True)
    except (OSError, SystemExit) as error:
        # Who starts servers takes another port at this word.
        sys.exit(f"EADDRINUSE {error}")
    print(f"listens on {port}", flush=True)
    server.serve_forever()


main()
