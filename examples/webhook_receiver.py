"""Receives what ``rtme bridge http://127.0.0.1:8080/`` posts, and believes only what is signed. Standard library only.

Run ``RTME_BRIDGE_SECRET=... python examples/webhook_receiver.py 8080``.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["RTME_BRIDGE_SECRET"].encode()
OLDEST_S = 300


def is_genuine(header: str, body: bytes) -> bool:
    """Whether the body was signed with our secret, not long ago."""
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    time_s = parts.get("t", "")
    if not time_s.isdecimal() or abs(time.time() - int(time_s)) > OLDEST_S:
        return False
    right = hmac.new(SECRET, time_s.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), parts.get("v1", "").encode())


class Receiver(BaseHTTPRequestHandler):
    """Prints each event once."""

    seen: set[tuple[str, int]] = set()  # noqa: RUF012  # a real receiver keeps these in its database

    def do_POST(self) -> None:
        """Answer 401 to what is not signed, 204 to what is kept."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_genuine(self.headers.get("X-Rtme-Signature", ""), body):
            self.send_error(401)
            return
        event = json.loads(body)
        # An event may come more than once: this tells the second time from the first.
        delivery = (event["run_id"], event["seq"])
        if delivery not in self.seen:
            self.seen.add(delivery)
            print(event["stream"], event["kind"], flush=True)
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
