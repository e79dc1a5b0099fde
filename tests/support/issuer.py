"""A token issuer as a process of its own: it publishes keys, issues tokens, rotates its keys and fails on demand.

`GET /jwks` publishes the keys. `POST /mint` `{claims, algorithm}` issues a token. `POST /rotate` makes new keys.
`POST /mode` `{mode}` sets how `/jwks` answers: correctly (`ok`), slowly (`slow`), with text that is no key set
(`garbage`), with unusable keys (`empty`), with keys of other kinds (`others`), with no keys (`none`), with a huge set
(`huge`), with a redirect (`moved`), or with 404 (`missing`) or 500 (`down`).
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

jwt.register_algorithm("Ed25519", OKPAlgorithm())  # RFC 9864
STATUS = {"down": 500, "missing": 404, "moved": 302}


class Keys:
    def __init__(self) -> None:
        self.generation = 0
        self.rotate()

    def rotate(self) -> None:
        self.generation += 1
        self.private: dict[str, Any] = {
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
            "Ed25519": ed25519.Ed25519PrivateKey.generate(),
            "ES384": ec.generate_private_key(ec.SECP384R1()),
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
        }

    def published(self) -> list[dict[str, Any]]:
        writers: dict[str, Any] = {"Ed": OKPAlgorithm, "RS": RSAAlgorithm, "ES": ECAlgorithm}
        return [
            json.loads(writers[algorithm[:2]].to_jwk(key.public_key()))
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
            case "others":
                others = [key for key in cls.keys.published() if key["alg"] == "ES384"]
                body = json.dumps({"keys": others}).encode()
            case "none":
                body = b'{"keys": []}'
            case "huge":
                body = b'{"keys": [' + b" " * 2_000_000 + b"]}"
        self.respond(STATUS.get(cls.mode, 200), body)

    def do_POST(self) -> None:
        cls = type(self)
        wanted = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        result: Any = None
        with cls.lock:
            match self.path:
                case "/mint":
                    algorithm = wanted["algorithm"]
                    headers = {"kid": wanted.get("kid", f"{algorithm}-{cls.keys.generation}")}
                    key, name = cls.keys.private[algorithm], wanted.get("named", algorithm)
                    result = jwt.encode(wanted["claims"], key, name, headers=headers)
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
        if status == 302:
            self.send_header("location", "/elsewhere?of=no-log")
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
