"""A token issuer as a process of its own: it publishes keys, issues tokens, rotates its keys and fails on demand.

`GET /jwks` publishes the keys. `POST /mint` `{claims, algorithm}` issues a token. `POST /rotate` makes new keys.
`POST /mode` `{mode}` sets how `/jwks` answers: correctly (`ok`), slowly (`slow`), with text that is no key set
(`garbage`), with unusable keys (`empty`), with a huge set (`huge`), or with 500 (`down`).
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm


class Keys:
    def __init__(self) -> None:
        self.generation = 0
        self.rotate()

    def rotate(self) -> None:
        self.generation += 1
        self.private: dict[str, Any] = {
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
        }

    def published(self) -> list[dict[str, Any]]:
        writers: dict[str, Any] = {"EdDSA": OKPAlgorithm, "RS256": RSAAlgorithm, "ES256": ECAlgorithm}
        return [
            json.loads(writers[algorithm].to_jwk(key.public_key()))
            | {"kid": f"{algorithm}-{self.generation}", "use": "sig", "alg": algorithm}
            for algorithm, key in self.private.items()
        ]


class Handler(BaseHTTPRequestHandler):
    keys = Keys()
    mode = "ok"
    fetches = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        cls = type(self)
        with cls.lock:
            cls.fetches += 1
        body = json.dumps({"keys": cls.keys.published()}).encode()
        match cls.mode:
            case "slow":
                time.sleep(7)
            case "garbage":
                body = b"<html>not a key set</html>"
            case "empty":
                body = b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, 1]}'
            case "huge":
                body = b'{"keys": [' + b" " * 2_000_000 + b"]}"
        self.respond(500 if cls.mode == "down" else 200, body)

    def do_POST(self) -> None:
        cls = type(self)
        wanted = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        result: Any = None
        with cls.lock:
            match self.path:
                case "/mint":
                    algorithm = wanted["algorithm"]
                    headers = {"kid": wanted.get("kid", f"{algorithm}-{cls.keys.generation}")}
                    result = jwt.encode(wanted["claims"], cls.keys.private[algorithm], algorithm, headers=headers)
                case "/rotate":
                    cls.keys.rotate()
                case "/mode":
                    cls.mode = wanted["mode"]
                case "/fetches":
                    result = cls.fetches
        self.respond(200, json.dumps(result).encode())

    def respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)  # noqa: T201 # the parent process reads the port
    threading.Timer(float(sys.argv[1]), server.shutdown).start()  # the longest time that it runs
    server.serve_forever()
