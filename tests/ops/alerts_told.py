"""Takes what Alertmanager tells, and prints each alert as a line of JSON: `python -m tests.ops.alerts_told PORT`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        for alert in json.loads(self.rfile.read(int(self.headers["content-length"])))["alerts"]:
            print(json.dumps({"status": alert["status"], **alert["labels"]}), flush=True)  # noqa: T201
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        return


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Taking).serve_forever()
