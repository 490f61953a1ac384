"""A processor and an agent that listen on real sockets, for tests of what we tell others."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DOMAIN = "mailer.example"
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed_headers(body: bytes, key: Any = KEY, domain: str = DOMAIN) -> dict[str, str]:
    signature = key.sign(body, padding.PKCS1v15(), SHA256())
    return {
        "X-OpenDSR-Processor-Domain": domain,
        "X-OpenDSR-Signature": b64encode(signature).decode(),
        "Content-Type": "application/json",
    }


class Fake:
    """What a server was sent, and how it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.status = "pending"
        self.answers: list[int] = []
        """Statuses to answer with first; then as is right."""
        self.key: Any = KEY

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer as a processor does."""
        if self.answers:
            return self.answers.pop(0), b"{}"
        asked = json.loads(body) if body else {"subject_request_id": path.rpartition("/")[2]}
        told = {
            "controller_id": "shop",
            "subject_request_id": asked["subject_request_id"],
            "request_status": self.status,
            "expected_completion_time": "2026-12-01T00:00:00Z",
        }
        return (201 if method == "POST" else 200), json.dumps(told).encode()


class FakeAgent(Fake):
    """An agent that is told of changes."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        return (self.answers.pop(0) if self.answers else 200), b"thanks"


@contextmanager
def listening(fake: Fake) -> Iterator[Fake]:
    """Run a server on a free port for a while."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                read = json.loads(body) if body else None
            except ValueError:
                read = body
            fake.calls.append((self.command, self.path, headers, read))
            status, answer = fake.answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in signed_headers(answer, fake.key).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_any

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}/v2"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
