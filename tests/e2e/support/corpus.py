# SPDX-License-Identifier: Apache-2.0
"""Reads tests/wire (see its README.md) and checks what a running server makes of a case."""
import json
import re
from dataclasses import dataclass, field

from support.server import ROOT

ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
NAMED = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\", "0": "\0"}


def unescape(text):
    """The value of a line, as latin-1 text."""
    return ESCAPE.sub(lambda match: NAMED[match[1]] if match[1] in NAMED else chr(int(match[1][1:], 16)), text)


@dataclass
class Request:
    method: str
    path: str
    query: str = None
    host: str = None
    body: str = None
    headers: dict = field(default_factory=dict)  # lower-case name -> values in order
    absent: list = field(default_factory=list)

    def problems(self, seen):
        """What the application saw (tests/apps/corpus.py) against what it should have seen."""
        wanted = {"method": self.method, "path": self.path, "query": self.query, "host": self.host, "body": self.body}
        for name, value in wanted.items():
            if value is not None and seen[name] != value:
                yield f"{name} {seen[name]!r}, expected {value!r}"
        for name, values in self.headers.items():
            key = environ_key(name)
            joined = ("; " if name == "cookie" else ", ").join(values)
            if seen["environ"].get(key) != joined:
                yield f"{key} {seen['environ'].get(key)!r}, expected {joined!r}"
        for name in self.absent:
            # X_A and X-A have one key; that the value is exactly that of X-A was checked above.
            if environ_key(name) in seen["environ"] and name.replace("_", "-").lower() not in self.headers:
                yield f"{name} must not arrive"


def environ_key(name):
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else "HTTP_" + key


@dataclass
class Case:
    name: str
    data: bytes
    verdict: str  # "200", a refusal's status, or "incomplete"
    closes: bool
    responses: int = 1
    requests: list = field(default_factory=list)

    @property
    def ends_early(self):
        return self.verdict == "incomplete"

    @property
    def is_big(self):
        return len(self.data) > 16 * 1024

    def check(self, connection):
        """Reads the answers to data that was sent on the connection, and judges them."""
        if self.ends_early:
            return self.check_incomplete(connection)
        expected = list(self.requests)
        for number in range(self.responses):
            refused = self.verdict != "200" and number == self.responses - 1
            request = expected.pop(0) if expected and not refused else None
            response = connection.response(request.method if request else "GET")
            while response.status == 100:
                response = connection.response(request.method if request else "GET")
            if refused:
                assert response.status == int(self.verdict), f"status {response.status}, expected {self.verdict}: {response.body!r}"
                assert response.get("connection") == "close"
                continue
            assert response.status == 200, f"answer {number + 1}: {response.status} {response.body!r}"
            if request and request.method != "HEAD":
                problems = list(request.problems(json.loads(response.body)))
                assert not problems, "; ".join(problems)
        if self.closes:
            rest = connection.read_to_close()
            assert rest == b"", f"bytes after the last answer: {rest[:200]!r}"
        else:
            assert json.loads(connection.get("/again").body)["path"] == "/again", "the connection can carry another request"

    def check_incomplete(self, connection):
        answer = connection.read_to_close()
        assert b"HTTP/1.1 200" not in answer.replace(b"HTTP/1.1 100", b""), f"an incomplete request was answered: {answer[:200]!r}"


def parse(name, data, text):
    first, _, rest = text.partition("\n")
    verdict, _, after = first.partition(" ")
    case = Case(name, data, verdict, after == "close")
    for line in rest.splitlines():
        if not line.strip():
            continue
        key, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if key == "responses":
            case.responses = int(value)
        elif key == "request":
            method, _, path = value.partition(" ")
            case.requests.append(Request(unescape(method), unescape(path)))
        elif key == "header":
            header, _, content = value.partition(":")
            case.requests[-1].headers.setdefault(header.lower(), []).append(unescape(content[1:] if content.startswith(" ") else content))
        elif key == "absent":
            case.requests[-1].absent.append(value)
        elif key in ("query", "host", "body"):
            setattr(case.requests[-1], key, unescape(value))
        else:
            assert key == "expects-continue", f"{name}: unknown line {line!r}"
    return case


def load():
    folder = ROOT / "tests" / "wire"
    cases = []
    for path in sorted(folder.glob("*/*.http")):
        text = path.with_suffix(".expect").read_text(encoding="latin-1")
        cases.append(parse(f"{path.parent.name}-{path.stem}", path.read_bytes(), text))
    return cases
