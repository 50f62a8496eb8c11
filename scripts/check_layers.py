#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a file of src/ includes what its floor may not see.

The edges stand in cmake/Layers.cmake. Beyond them: config/ is read only by *_plan.cc (see PLAN_FREE), tests may also
include testing/, and each foreign library has one door (see DOORS). Usage: check_layers.py [ROOT]
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Folders that may include config/ anywhere; all others only from a file named *_plan.cc (and its test).
PLAN_FREE = {"config", "process", "cli", "testing"}

# (pattern of the included name, pattern of the path under src/ that may include it, what to say)
DOORS = [
    (r"Python\.h|patchlevel\.h", r"python/py\.h", "Python.h belongs to python/py.h"),
    (r"sys/epoll\.h", r"net/.*", "epoll belongs to net/"),
    (r"nlohmann/.*", r"base/json\.(h|cc)", "nlohmann-json belongs to base/json"),
    (r"openssl/.*", r"net/tls_.*", "OpenSSL belongs to net/tls_*"),
    (r"pcre2.*\.h", r"base/regex\.(h|cc)", "PCRE2 belongs to base/regex"),
    (r"zlib\.h", r"wire/compress\.(h|cc)", "zlib belongs to wire/compress"),
    (r"n?curses\.h", r"top/.*", "ncurses belongs to top/"),
]


def read_layers(path):
    """Returns {folder: set of folders it may include} from the set(LAYER_x ...) lines."""
    text = re.sub(r"#.*", "", path.read_text())
    layers = {}
    for name, values in re.findall(r"set\(\s*(LAYERS|LAYER_\w+)\s*([^)]*)\)", text):
        if name == "LAYERS":
            order = values.split()
        else:
            layers[name[len("LAYER_"):]] = set(values.split())
    return {folder: layers.get(folder, set()) for folder in order}


def is_test(name):
    return name.endswith("_test.cc") or name.endswith("_test.h")


def problems_of(path, relative, layers):
    own = relative.parts[0]
    name = relative.name
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, included = match.groups()
        where = f"src/{relative}:{number}"
        for pattern, door, message in DOORS:
            if re.fullmatch(pattern, included) and not re.fullmatch(door, str(relative)):
                if not is_test(name) or "Python" in included:
                    yield f"{where}: {message}, not to {own}/"
        if quote != '"':
            continue
        target = included.split("/")[0]
        if "/" not in included or target not in layers:
            if not (path.parent.parent / included).exists():
                yield f'{where}: "{included}" is not of the form "folder/file.h"'
            continue
        if target == own:
            continue
        if target == "testing" and is_test(name):
            continue
        if target not in layers[own]:
            yield f"{where}: {own}/ may not include {target}/ (cmake/Layers.cmake)"
        elif target == "config" and own not in PLAN_FREE and not re.search(r"_plan(_test)?\.cc$", name):
            yield f"{where}: only *_plan.cc reads config/, {name} may not"


def cycles_of(layers):
    """A folder that can reach itself through the table is a hole in the table."""
    for start in layers:
        seen, waiting = set(), list(layers[start])
        while waiting:
            folder = waiting.pop()
            if folder not in seen:
                seen.add(folder)
                waiting.extend(layers.get(folder, ()))
        if start in seen:
            yield f"cmake/Layers.cmake: {start} can include itself through others"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    layers = read_layers(root / "cmake" / "Layers.cmake")
    problems = list(cycles_of(layers))
    count = 0
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".def"):
            continue
        relative = path.relative_to(root / "src")
        if len(relative.parts) < 2 or relative.parts[0] not in layers:
            problems.append(f"src/{relative}: its folder is not in cmake/Layers.cmake")
            continue
        count += 1
        problems.extend(problems_of(path, relative, layers))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"layers: {count} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
