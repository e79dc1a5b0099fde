"""Inputs that are meant to cost much: long, repetitive values in every place where a request may have one."""

import base64
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.operations import OPENAPI

BODY, HEAD, TARGET = 64_000, 63_000, 8_000  # bytes: within the bounds, with room for what surrounds them

LEFT_OUT = {"delete_me"}  # its user is needed
STREAMS = {"stream_changes"}
CHUNKED = b"Transfer-Encoding: chunked"

CHARACTERS = [
    *"aßİ é漢🦊 \t\n.@\"\\'<(,;=%-:019[{/", "\u0301", "\u200d",
    "\u1100\u1161\u11a8", "\u1fa2", "\ufdfa", "\r\n", "a.", "xn--", ".xn--a", "a@", "\\u0041", "%41",
]  # fmt: skip
"""Of texts: what is composed or decomposed, what has a meaning somewhere."""

MARKS = ["a", "\u0315", "\u0316", "\u0301", "\u0345", "\u0f71", "\u0f73", "\u3099"]
"""Combining marks of different classes (Unicode Annex 15)."""

PIECES = [
    b"a", b" ", b"\t", b",", b", ", b";", b"=", b".", b"-", b"\\", b'"', b"'", b"(", b"<", b"/", b"*", b"%", b":",
    b"\xff", b"1", b"9", b'"1",', b'W/"1",', b'"1" ,\t', b"0-0,", b"127.0.0.1, ", b"::1,", b"for=127.0.0.1;", b"a=b; ",
    b";a", b'a="\\', b"\\073", b"text/html;q=0.1,", b"[", b'{"":', b"eyJh", b"%41", b"x-a,",
]  # fmt: skip
"""Of headers."""

STARTS: dict[str, list[bytes]] = {
    "Accept": [b""],
    "Accept-Encoding": [b""],
    "Accept-Language": [b""],
    "Access-Control-Request-Headers": [b""],
    "Authorization": [b"Bearer ", b"Bearer eyJhbGciOiJFZERTQSJ9.", b"Basic ", b""],
    "Connection": [b""],
    "Content-Type": [b"application/json;", b"multipart/form-data; boundary=", b"application/"],
    "Cookie": [b"todo_refresh=", b'todo_refresh="', b'a="', b""],
    "Expect": [b""],
    "Forwarded": [b"for="],
    "Host": [b"", b"["],
    "Idempotency-Key": [b""],
    "If-Match": [b"", b'"'],
    "If-Modified-Since": [b"", b"Wed, 21 Oct 2026 "],
    "If-None-Match": [b"", b'W/"'],
    "If-Range": [b""],
    "Last-Event-ID": [b""],
    "Origin": [b"https://", b""],
    "Range": [b"bytes="],
    "Sec-Fetch-Site": [b""],
    "Upgrade": [b""],
    "X-Forwarded-For": [b""],
    "X-Forwarded-Proto": [b""],
}
"""Headers that something may read, and how their values begin."""


@dataclass(frozen=True)
class Operation:
    """What an input is sent to."""

    method: str
    path: str
    fields: tuple[str, ...] = ()
    """Of its JSON body."""
    queries: tuple[str, ...] = ()
    endless: bool = False
    """Whether its response is a stream."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Input:
    """A request; `{user}`, `{token}` and `{task}` are still to be filled in."""

    kind: str
    place: str
    request: bytes
    endless: bool = False


def operations() -> list[Operation]:
    """Every operation of the OpenAPI document, and what is served beside them."""
    found = []
    for path, methods in OPENAPI["paths"].items():
        for method, described in methods.items():
            if described["operationId"] in LEFT_OUT:
                continue
            names = [each["name"] for each in described.get("parameters", ()) if each["in"] == "query"]
            endless = described["operationId"] in STREAMS
            found.append(Operation(method.upper(), path, _fields(described), tuple(names), endless))
    others = ["GET /docs", "GET /docs/assets/swagger-ui.css", "GET /openapi.json", "GET /nothing", "OPTIONS /nothing"]
    return found + [Operation(method, path) for method, path in (other.split(" ") for other in others)]


def _fields(described: dict[str, Any]) -> tuple[str, ...]:
    schemas = re.findall(r"#/components/schemas/(\w+)", json.dumps(described.get("requestBody", {})))
    return tuple(name for each in schemas for name in OPENAPI["components"]["schemas"][each]["properties"])


def pattern(rng: random.Random, parts: list[Any], size: int) -> Any:
    """A long text, or bytes, of one part, two alternately, one after the other, or of many."""
    one, two, three = rng.choices(parts, k=3)
    half, nothing = size // 2, one[:0]
    return nothing.join(
        rng.choice(
            [
                [one * (size // len(one))],
                [(one + two) * (size // len(one + two))],
                [one, two * (half // len(two)), three * (half // len(three))],
                [one * (half // len(one)), two * (half // len(two)), three],
                rng.choices(parts, k=size // 4),
            ]
        )
    )


def text(rng: random.Random) -> str:
    """A text whose JSON fits into a body; sometimes a short one, which may be accepted."""
    size = rng.choice([250, 1000, 10_000, BODY, BODY])
    made: str = pattern(rng, rng.choice([CHARACTERS, MARKS]), size) + rng.choice(["", "", "@example.com", "a", "!"])
    while len(json.dumps(made, ensure_ascii=False).encode()) > BODY:
        made = made[: len(made) * 3 // 4]
    return made


def value(rng: random.Random) -> bytes:
    """The value of a header."""
    made: bytes = pattern(rng, PIECES, rng.choice([8000, HEAD, HEAD]))
    return made[:HEAD]


def request(
    operation: Operation, *, target: bytes | None = None, headers: list[bytes] | None = None, body: bytes = b""
) -> bytes:
    """A request of the user, who sends what is given instead of what is usual."""
    given = headers or []
    names = {line.partition(b":")[0].lower() for line in given}
    usual = [b"Host: 127.0.0.1", b"Authorization: Bearer {token}", b"Content-Type: application/json"]
    usual.append(b"Connection: close")
    lines = [line for line in usual if line.partition(b":")[0].lower() not in names] + given
    if b"transfer-encoding" not in names and operation.method in {"POST", "PUT", "PATCH"}:
        lines.append(b"Content-Length: %d" % len(body))
    start = b"%b %b HTTP/1.1" % (operation.method.encode(), path_of(operation) if target is None else target)
    return b"\r\n".join([start, *lines, b"", body])


def path_of(operation: Operation) -> bytes:
    """Its path with ids that exist, but a task that is deleted does not."""
    path = operation.path.replace("{user_id}", "{user}").replace("{revision}", "1")
    return path.replace("{id}", str(uuid4()) if operation.method == "DELETE" else "{task}").encode()


def texts_in_bodies(rng: random.Random, operation: Operation) -> bytes | None:
    """A field is a long text, the others are usual."""
    if not operation.fields:
        return None
    usual = {"title": "x", "email": f"{uuid4().hex}@example.com", "password": "a long and quiet afternoon", "name": "x"}
    fields: dict[str, Any] = {name: usual[name] for name in operation.fields if name in usual}
    return request(operation, body=_json(fields | {rng.choice(operation.fields): text(rng)}))


def _json(fields: Any) -> bytes:
    body = json.dumps(fields, ensure_ascii=False).encode(errors="surrogatepass")
    return body if len(body) <= BODY + 1000 else b"{}"


def shapes_of_json(rng: random.Random, operation: Operation) -> bytes | None:
    """Depth, many members, doubled ones, long arrays and numbers: as the body, or as a field of it."""
    if not operation.fields:
        return None
    name, size = json.dumps(rng.choice(operation.fields)).encode(), BODY - 500
    one = rng.choice([b"1", b'"a"', b"{}", b"[]", b"1e9", b"null", b"-0", b'""', b"9" * 4000, b"0." + b"1" * 3000])
    members = [b'"%x":1' % number for number in range(size // 9)]
    made = rng.choice(
        [
            b"[" * size,
            b"[" * (size // 2) + b"]" * (size // 2),
            b"[" * 900 + one + b"]" * 900,
            b'{"":' * (size // 4),
            b'{"a":' * 180 + one + b"}" * 180,
            b"[" + b",".join([one] * (size // (len(one) + 1))) + b"]",
            b"{" + b",".join(members) + b"}",
            b"{" + b",".join([name + b":" + one] * (size // (len(name) + len(one) + 2))) + b"}",
            rng.choice([b"9", b"0.0", b"1.0e", b"-", b"1e999999"]) + rng.choice([b"0", b"9", b"12"]) * (size // 2),
            b'"' + rng.choice([b"\\u0315", b"\\ud800", b"\\n", b"\\\\", b"\\u0315\\u0316"]) * (size // 12) + b'"',
            rng.choice([b" ", b"\n", b"\xff", b"\xef\xbb\xbf", b"nul"]) * (size // 3),
        ]
    )
    return request(operation, body=rng.choice([made, b"{" + name + b":" + made + b"}"]))


def header_values(rng: random.Random, operation: Operation) -> bytes:
    """A header with a long value."""
    name = rng.choice([*STARTS])
    line = b"%b: %b%b" % (name.encode(), rng.choice(STARTS[name]), value(rng))
    usual = [b"Access-Control-Request-Method: GET", b"Origin: https://app.example"] if name != "Origin" else []
    return request(operation, headers=[line, *usual], body=b"{}")


def tokens(rng: random.Random, operation: Operation) -> bytes:
    """JSON Web Tokens with costly headers and claims, of a length that is read."""
    big: str = pattern(rng, ["a", "9", "\u0315", "\u0316", "é", " "], 5000)
    deep: Any = "[" * 2000 + "]" * 2000
    claims = [{"sub": big, "exp": 9 ** rng.choice([2, 4000])}, {"sub": "x"}, {str(each): 1 for each in range(600)}]
    heads = [
        {"alg": "EdDSA", "kid": big, "zip": "DEF"},
        {"alg": big, "crit": ["a"] * 1000, "jwk": {"k": big}},
        {"alg": "EdDSA", "b64": False, "x5c": [big] * 3},
    ]
    parts = [json.dumps(rng.choice(heads)), json.dumps(rng.choice(claims)), big]
    if rng.random() < 0.3:
        parts[rng.randrange(2)] = deep
    encoded = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in parts]
    made = rng.choice([b".".join(encoded), b".".join(encoded)[:8000], b"." * 8000, encoded[0] + b".a" * 3000])
    return request(operation, headers=[b"Authorization: Bearer " + made[: rng.choice([8192, HEAD])]], body=b"{}")


def many_headers(rng: random.Random, operation: Operation) -> bytes:
    """Thousands of short lines."""
    names = [b"a", b"Cookie", b"If-Match", b"If-None-Match", b"X-Forwarded-For", b"Accept", b"Idempotency-Key"]
    name = rng.choice(names)
    line = name + rng.choice([b":", b":1", b': "1"', b": a=b"])
    count = (HEAD - 500) // (len(line) + 2)
    lines = [line] * count
    if name == b"a":
        lines = [b"a%x:" % number for number in range(HEAD // 8)]
    return request(operation, headers=lines, body=b"{}")


def paths(rng: random.Random, operation: Operation) -> bytes:
    """Long segments, escapes and slashes, in the place of an id, after the path, or before it."""
    parts = [b"a", b"/", b"%41", b"%ff", b"%2f", b"%cc%95%cc%96", b"./", b"../", b"%00", b"%", b"a/", b"~", b"-"]
    part = rng.choice(parts)
    odd = part * (rng.choice([4000, TARGET - 100, TARGET - 100, HEAD]) // len(part))
    path = path_of(operation)
    replaced = [path.replace(name, odd) for name in (b"{task}", b"{user}", b"{id}")]
    target = rng.choice([path + odd, path + b"/" + odd, b"/" + odd, *replaced])
    method = rng.choice([operation.method, operation.method, "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
    return request(Operation(method, operation.path), target=target[: HEAD + 100], body=b"{}")


def queries(rng: random.Random, operation: Operation) -> bytes:
    """Long values, and thousands of names."""
    names = [each.encode() for each in operation.queries] or [b"limit", b"q"]
    name, size = rng.choice(names), rng.choice([TARGET - 200] * 4 + [HEAD])
    made = rng.choice(
        [
            name + b"=" + rng.choice([b"9", b"%39", b"A", b"%ff", b"-", b"%20", b"%cc%95%cc%96", b"1.", b"="]) * size,
            rng.choice([b"&", b"a&", b"=&", b"a=1&", b"%41&", b";", b"a=b;", b"a[]=1&", name + b"=1&"]) * size,
            b"&".join(b"%x=1" % number for number in range(size // 7)),
            name + b"=" + base64.urlsafe_b64encode(pattern(rng, PIECES, size // 2)),
        ]
    )
    return request(operation, target=path_of(operation) + b"?" + made[:size], body=b"{}")


def chunks(rng: random.Random, operation: Operation) -> bytes | None:
    """A body in chunks of one byte, with extensions and trailers."""
    if not operation.fields:
        return None
    body = _json(dict.fromkeys(operation.fields, "x"))
    body += rng.choice([b" ", b"\r\n"]) * ((rng.choice([1000, BODY]) - len(body)) // 2)
    extension = rng.choice([b"", b"", b";a", b";a=b;c=d", b";" + b"x" * 200])
    size = rng.choice([1, 2, 4, 7, BODY])
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    encoded = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    trailers = rng.choice([b"", b"a: b\r\n" * 5000, b"a: " + b"x" * 30_000 + b"\r\n"])
    body = encoded + b"0\r\n" + trailers + b"\r\n"
    return request(operation, headers=[CHUNKED], body=body)


KINDS: list[Callable[[random.Random, Operation], bytes | None]] = [
    texts_in_bodies,
    shapes_of_json,
    header_values,
    tokens,
    many_headers,
    paths,
    queries,
    chunks,
]


def known() -> list[Input]:
    """Inputs that were found to cost too much once."""
    sign_in, read = Operation("POST", "/api/auth/signin"), Operation("GET", "/api/{user_id}/tasks")
    write, refresh = Operation("POST", "/api/{user_id}/tasks"), Operation("POST", "/api/auth/refresh")
    marks = "a" + "\u0315" * 15_000 + "\u0316" * 15_000
    composed = "a" + "\u0f73" * 3300
    made = [
        (texts_in_bodies, sign_in, request(sign_in, body=_json({"email": "a@example.com", "password": marks}))),
        (texts_in_bodies, sign_in, request(sign_in, body=_json({"email": marks, "password": "x"}))),
        (texts_in_bodies, write, request(write, body=_json({"title": "x", "description": marks[10_000:20_000]}))),
        (texts_in_bodies, write, request(write, body=_json({"title": "x", "description": composed}))),
        (header_values, refresh, request(refresh, headers=[b'Cookie: a="' + b"\\" * HEAD + b'"'])),
        (queries, read, request(read, target=path_of(read) + b"?limit=1&" + b"=&" * (HEAD // 2))),
        (paths, read, request(Operation("OPTIONS", ""), target=b"/api/" + b"%" * HEAD + b"/tasks")),
        (chunks, write, request(write, headers=[CHUNKED], body=b"1\r\n \r\n" * 25_000 + b"0\r\n\r\n")),
        (chunks, write, request(write, headers=[CHUNKED], body=b"4\r\n\r\n\r\n\r\n" * (BODY // 4) + b"0\r\n\r\n")),
    ]
    return [Input(kind.__name__.replace("_", " "), operation.name, content) for kind, operation, content in made]


def inputs(seed: int, count: int) -> list[Input]:
    """So many inputs: those known, then each kind in turn for operations by chance."""
    rng, every, made = random.Random(seed), operations(), known()
    while len(made) < count:
        for kind in KINDS:
            operation = rng.choice(every)
            content = kind(rng, operation)
            if content is not None:
                name = kind.__name__.replace("_", " ")
                made.append(Input(name, operation.name, content, endless=operation.endless))
    return made[:count]
