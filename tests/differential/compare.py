#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets our HTTP/1 parser against llhttp, as Node.js has it inside, on many broken and half-broken requests.

    tests/differential/compare.py --outline build/dev/tests/differential/http1_outline --inputs 200000

Two servers in a row are safe from smuggled requests when they agree on where each request begins and ends, or when one of them
refuses. So an input fails when both take a request and differ in its method, target, fields or body, when one waits for more of
what the other holds to be whole, and when we take what llhttp refuses for a reason that is not in ALLOWED. Inputs are made from
the cases of tests/wire and from a grammar, by a seeded generator. The exit status is 1 when an input failed.
"""
import argparse
import collections
import json
import random
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIRE = HERE.parent / "wire"
AT_ONCE = 5000



def is_trailer(message, data):
    """We throw trailers away unread but for their form; llhttp looks for framing there."""
    names = [name for name, _ in fields_of(message)]
    return b"transfer-encoding" in names and b"content-length" not in names


def is_length(message, data):
    """Among trailers, or with a tab behind the number, which RFC 9112 section 5.1 takes for a blank."""
    return is_trailer(message, data) or b"\t\r\n" in data


# What llhttp refuses and we take, whether it is that what it seems, and why it is no danger.
ALLOWED = {
    "HPE_INVALID_METHOD": lambda message, data: True,  # we take every token as a method, llhttp the registered ones
    "HPE_INVALID_VERSION": lambda message, data: bytes.fromhex(message["method"]) == b"PRI",  # which llhttp takes for HTTP/2 alone
    "HPE_INVALID_CONTENT_LENGTH": is_length,
    "HPE_INVALID_TRANSFER_ENCODING": is_trailer,
}

METHODS = [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"CONNECT", b"PATCH", b"get", b"G T", b"", b"PRI"]
TARGETS = [b"/", b"/a?b=c", b"*", b"http://h/p", b"//", b"/%00", b"/\xff", b"a", b"/a b", b"/#f", b"", b"h:80", b"/\t"]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 ", b"HTTP/01.1", b"", b"HTTP/0.9"]
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\n\r\n", b" \r\n", b"\x0b\r\n"]
FIELDS = [
    b"Host: a", b"Host: b", b"Host:", b"Host : a", b"Content-Length: 3", b"Content-Length: 0", b"Content-Length: +3",
    b"Content-Length: 3, 3", b"Content-Length: 03", b"Content-Length: 0x3", b"Content-Length:\t3 ", b"Content-Length: -1",
    b"Content-Length: 3 4", b"Content-Length: 18446744073709551619", b"Content-Length:", b"Content_Length: 5",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding:", b" Transfer-Encoding: chunked",
    b"Connection: close", b"Connection: keep-alive", b"Connection: upgrade", b"Upgrade: websocket", b"Connection: Transfer-Encoding",
    b"Expect: 100-continue", b"X: y", b"X:", b": y", b"X", b"X\x00: y", b"X: \x01", b"X: \x7f", b"X: a\rb", b"X: \xe4", b"(): y",
    b" folded", b"\tfolded", b"Proxy: p", b"A_B: c", b"X: a\x0cb",
]
BODIES = [
    b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"3;x=y\r\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b"3\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n",
    b"03\r\nabc\r\n00\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nabc0\r\n\r\n", b"3;\r\nabc\r\n0\r\n\r\n", b"3;x=\"\r\n\"\r\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", b"3\r\nabc\r\n0\n\n", b"ffffffffffffffff\r\nabc",
    b"10000000000000003\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"\r\n0\r\n\r\n", b"3\r\rabc\r\n0\r\n\r\n", b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\n0\r\n\r\n", b"3\r\nabc\r\n0\r\n \r\n\r\n", b"3\r\nabc\r\n0\r\nX : y\r\n\r\n", b"3;\x00\r\nabc\r\n0\r\n\r\n",
]


def seeds():
    return [path.read_bytes() for path in sorted(WIRE.glob("*/*.http")) if path.stat().st_size < 4000]


def compose(rng):
    """A request of parts, most of them good."""
    def pick(choices, good):
        return choices[rng.randrange(good)] if rng.random() < 0.93 else rng.choice(choices)

    lines = [b" ".join((pick(METHODS, 6), pick(TARGETS, 4), pick(VERSIONS, 2))), b"Host: a" if rng.random() < 0.9 else b"X: 1"]
    lines += [rng.choice(FIELDS) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5)))]
    return b"".join(line + rng.choice(ENDS if rng.random() < 0.3 else ENDS[:1]) for line in lines) + b"\r\n" + rng.choice(BODIES)


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(5)
        if what == 0:
            data[at:at] = bytes((rng.choice(b"\r\n\t \x00:,;0159afx\x7f\xff\x0b\""),))
        elif what == 1:
            del data[at:at + rng.choice((1, 1, 2, 8))]
        elif what == 2 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 3:
            data[at:at] = rng.choice(FIELDS) + b"\r\n"
        elif what == 4 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def inputs(count, seed):
    rng = random.Random(seed)
    known = seeds()
    yield from known[:count]
    for _ in range(max(0, count - len(known))):
        one = compose(rng) if rng.random() < 0.6 else rng.choice(known)
        if rng.random() < 0.5:
            one = mutate(rng, one)
        if rng.random() < 0.5:
            one += compose(rng)
        yield one


def outlines(command, batch):
    framed = b"".join(struct.pack(">I", len(one)) + one for one in batch)
    done = subprocess.run(command, input=framed, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def fields_of(message):
    """Names and values but for those that we leave out, as they could pass for another variable, and for the Host that an
    absolute target overrides."""
    left_out = (b"proxy", b"host") if b"://" in bytes.fromhex(message["target"]) else (b"proxy",)
    pairs = [(bytes.fromhex(name), bytes.fromhex(value)) for name, value in message["fields"]]
    return [(name.lower(), value.strip(b" \t")) for name, value in pairs if name.lower() not in left_out and b"_" not in name]


def difference(data, ours, theirs):
    """Why the input fails, or None; and the reason of llhttp for refusing what we take."""
    for mine, other in zip(ours["messages"], theirs["messages"]):
        for key in ("method", "target", "minor", "whole", "body"):
            if mine[key] != other[key]:
                return f"{key} differs", None
        if fields_of(mine) != fields_of(other):
            return "fields differ", None
        if other["upgrade"]:  # llhttp reads no further
            return None, None
    mine, other = len(ours["messages"]), len(theirs["messages"])  # to refuse or close where the other goes on is safe
    if mine < other and ours["end"] not in ("error", "closed"):
        return "we wait for more of what llhttp has whole", None
    if mine > other and theirs["end"] != "error":
        return "llhttp waits for more of what we have whole", None
    if mine > other:
        code = theirs["code"]
        is_known = code in ALLOWED and ALLOWED[code](ours["messages"][other], data)
        return (None if is_known else f"we take what llhttp refuses: {code}"), code
    return None, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outline", required=True, help="the built http1_outline")
    parser.add_argument("--inputs", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="failed inputs to print")
    options = parser.parse_args()
    counts, failed, batch = collections.Counter(), [], []

    def check():
        both = zip(batch, outlines([options.outline], batch), outlines(["node", str(HERE / "llhttp_outline.js")], batch))
        for one, ours, theirs in both:
            why, code = difference(one, ours, theirs)
            counts["inputs"] += 1
            counts["requests both take"] += min(len(ours["messages"]), len(theirs["messages"]))
            if len(ours["messages"]) < len(theirs["messages"]):
                counts["refused by us alone"] += 1
            if code:
                counts[f"refused by llhttp alone ({code})"] += 1
            if why:
                counts[f"FAILED: {why}"] += 1
                failed.append((why, one, ours, theirs))
        batch.clear()

    for one in inputs(options.inputs, options.seed):
        batch.append(one)
        if len(batch) == AT_ONCE:
            check()
    if batch:
        check()
    for name, count in sorted(counts.items()):
        print(f"{count:9} {name}")
    shown = collections.Counter()
    for why, one, ours, theirs in failed:
        shown[why] += 1
        if shown[why] <= options.show:
            print(f"\n{why}\n  {one!r}\n  ours   {json.dumps(ours)}\n  llhttp {json.dumps(theirs)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
