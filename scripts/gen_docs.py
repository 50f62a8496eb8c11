#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/options.md, docs/python_api.md and docs/signals.md from the tables in the sources.

With --check nothing is written; the exit status is 1 when a page is not what the tables say.
"""

import argparse
import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTICE = "<!-- Written by scripts/gen_docs.py from {}: change that, not this page. -->\n"

# What a value looks like, by kind; a kind without a row takes none.
VALUE_OF_KIND = {
    "Count": "N", "Size": "BYTES", "Megabytes": "MB", "Secs": "SECONDS", "Octal": "OCTAL", "Path": "PATH",
    "Address": "ADDRESS", "Name": "NAME", "Text": "TEXT", "Command": "COMMAND", "PathList": "PATH, repeatable",
    "AddressList": "ADDRESS, repeatable", "NameList": "NAME, repeatable", "TextList": "TEXT, repeatable",
    "CommandList": "COMMAND, repeatable", "OptionalText": "[TEXT]", "OptionalMode": "[MODE]",
    "OptionalSecs": "[SECONDS]", "OptionalCount": "[N]", "OptionalTextList": "[TEXT], repeatable", "DirectivePath": "FILE, repeatable",
    "DirectiveText": "TEXT, repeatable", "Logic": "VALUE", "AlwaysOnValue": "VALUE", "AlwaysOnOptional": "[VALUE]",
    "IgnoredValue": "VALUE", "RefusedValue": "VALUE", "RefusedLoader": "VALUE", "IgnoredOptional": "[VALUE]",
}


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(each) for each in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# ---- options ------------------------------------------------------------------------------------

STRING = r'"(?:[^"\\]|\\.)*"'
OPTION = re.compile(
    rf"^OPTION\(\s*(\w+),\s*(\w+),\s*({STRING}),\s*('.'|0),\s*(.*?),\s*(\w+),\s*({STRING})\)\s*$", re.MULTILINE)


def section_titles():
    """Enumerator of a section -> its title."""
    titles = re.search(r"kSectionTitles\[\] = \{(.*?)\};", read("src/config/option_table.cc"), re.DOTALL).group(1)
    names = re.search(r"enum class Section \{(.*?)\}", read("src/config/option_table.h"), re.DOTALL).group(1)
    return dict(zip(re.findall(r"k(\w+)", names), re.findall(r'"([^"]*)"', titles), strict=True))


def missing_readers():
    """Names of options that read a format for which there is no reader yet."""
    return set(re.findall(r'\{"\w+", "(\w+)", "[^"]*", nullptr\}', read("src/config/reader.cc")))


def state_of(kind, canonical, missing):
    if canonical in missing:
        return "refused yet"
    if kind.startswith("Refused"):
        return "refused yet"
    if kind.startswith("Ignored"):
        return "no effect yet"
    if kind.startswith("AlwaysOn"):
        return "always on"
    return "served"


def options_page():
    source = read("src/config/options.def")
    rows = OPTION.findall(source)
    if len(rows) != len(re.findall(r"^OPTION\(", source, re.MULTILINE)):
        sys.exit("gen_docs: a row of src/config/options.def is not in the usual form")
    sections = section_titles()
    missing = missing_readers()
    counts = {}
    by_section = {name: [] for name in sections}
    for kind, _, names, letter, default, section, text in rows:
        state = state_of(kind, ast.literal_eval(names).split()[0], missing)
        counts[state] = counts.get(state, 0) + len(ast.literal_eval(names).split())
        canonical, *aliases = (f"`{name}`" for name in ast.literal_eval(names).split())
        default = "" if default in ("{}", '""', "0", "-1", "false") or state != "served" else f"`{default.strip(chr(34))}`"
        help_text = ast.literal_eval(text)
        by_section[section].append((
            canonical, " ".join(aliases), "" if letter == "0" else f"`-{letter[1]}`", VALUE_OF_KIND.get(kind, ""),
            default, state, help_text))
    out = [NOTICE.format("src/config/options.def"), "# Options\n",
           "Every name that the server knows, by section; the same text as `uwsgi --help`. On the command line a name has "
           "two dashes in front, in an ini file it stands at the begin of a line, in the environment it is "
           "`UWSGI_NAME`, in capitals and with `_` for `-`.\n",
           "**served**: does what it says. **always on**: names something that this server does anyway; accepted in silence. "
           "**no effect yet**: accepted so that a working configuration starts; each warns once, with file and line. **refused yet**: ends the start with an error, as the configuration would be incomplete, or the server less confined than it seems.\n",
           "Names by state: " + ", ".join(f"{counts[state]} {state}" for state in ("served", "always on", "no effect yet", "refused yet")) + ".\n"]
    for section, title in sections.items():
        if not by_section[section]:
            continue
        out.append(f"## {title}\n")
        out.append(table(("option", "also", "letter", "value", "default", "state", "what it does"), by_section[section]))
    return "\n".join(out)


# ---- the Python module --------------------------------------------------------------------------

def unavailable_functions():
    """Names of functions that exist but have no service behind them, and what calling them raises."""
    source = read("src/python/api_unavailable.cc")
    found = {}
    for exception, rest in re.findall(r"Service\{&PyExc_(\w+),((?:\s*\"(?:[^\"\\]|\\.)*\",?)+)\s*\}", source):
        reason, names = re.match(rf'\s*({STRING}),\s*((?:{STRING}\s*)+)', rest).groups()
        joined = "".join(ast.literal_eval(part) for part in re.findall(STRING, names))
        for name in joined.split():
            found[name] = f"{exception}: {ast.literal_eval(reason)}"
    return found


def native_functions():
    found = set()
    for path in sorted((ROOT / "src/python").glob("api_*.cc")):
        found |= set(re.findall(r'^    \{"(\w+)", ', path.read_text(encoding="utf-8"), re.MULTILINE))
    return {name for name in found if not name.startswith("__")}


def python_page():
    stub = read("pylib/uwsgi.pyi")
    lines = stub.splitlines()
    unavailable = unavailable_functions()
    native = native_functions()
    known = set()
    sections = [["", [], []]]  # title, names, functions

    for node in ast.parse(stub).body:
        # A comment of its own on the lines above starts a section.
        above = lines[node.lineno - 2].strip() if node.lineno > 1 else ""
        if above.startswith("# ") and not isinstance(node, (ast.Import, ast.ImportFrom)):
            title = above[2:]
            if sections[-1][0] != title:
                sections.append([title, [], []])
        if isinstance(node, ast.AnnAssign):
            comment = lines[node.lineno - 1].partition("#")[2].strip()
            sections[-1][1].append((f"`{node.target.id}`", f"`{ast.unparse(node.annotation)}`", comment))
        elif isinstance(node, ast.FunctionDef):
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            signature = f"`{node.name}({ast.unparse(node.args)}){returns}`"
            if node.name in unavailable:
                state = "raises `" + unavailable[node.name] + "`"
            elif node.name in native:
                state = "served"
            else:
                state = "not there"
            known.add(node.name)
            if state != "not there":
                sections[-1][2].append((signature, state))
    out = [NOTICE.format("pylib/uwsgi.pyi and src/python/api_*.cc"), "# The `uwsgi` module\n",
           "Built into the server and importable only in code that the server runs. Bytes stay bytes, as programs written for "
           "the predecessor expect. Functions whose service is not part of this release are there too, because programs "
           "take them at import; calling them raises what the table says.\n"]
    for title, names, functions in sections:
        if not names and not functions:
            continue
        if title:
            out.append(f"## {title}\n")
        if names:
            out.append(table(("name", "type", ""), names))
        if functions:
            out.append(table(("function", "state"), functions))
    rest = sorted((native | set(unavailable)) - known)
    if rest:
        out.append("## Without a type in `uwsgi.pyi`\n")
        out.append(table(("function", "state"), [
            (f"`{name}`", "raises `" + unavailable[name] + "`" if name in unavailable else "served") for name in rest]))
    return "\n".join(out)


# ---- signals ------------------------------------------------------------------------------------

def signals_page():
    rows = re.findall(r"\{SIG\w+,\s*\"(SIG\w+)\",\s*MasterCommand::k(\w+)\}", read("src/process/master_signals.cc"))
    header = read("src/process/master_command.h")
    meanings = dict(re.findall(r"^\s+k(\w+),\s*//\s*(.*)$", header, re.MULTILINE))
    if not rows:
        sys.exit("gen_docs: no rows found in src/process/master_signals.cc")
    shown = [(f"`{name}`", meanings.get(action, "ignored" if action == "Ignore" else re.sub(r"(?<!^)(?=[A-Z])", " ", action).lower())) for name, action in rows]
    return "\n".join([
        NOTICE.format("src/process/master_signals.cc"), "# Signals of the master\n",
        table(("signal", "what the master does"), shown),
        "`uwsgi --reload FILE` sends `SIGHUP` and `uwsgi --stop FILE` sends `SIGINT` to the process in a pidfile; "
        "`--pause` and `--resume` send `SIGTSTP` with a value (`sigqueue`) of 1 and 2, which says which of the two is meant.\n",
        "Workers are the master's to signal: it sends `SIGHUP` or `SIGTERM` to let one finish its requests, `SIGQUIT` or "
        "`SIGKILL` when the time for that is over. Without a master the first process stops on `SIGTERM`, `SIGINT` and "
        "`SIGHUP` after its requests, on `SIGQUIT` and on the second `SIGINT` or `SIGTERM` at once.\n"])


PAGES = {"docs/options.md": options_page, "docs/python_api.md": python_page, "docs/signals.md": signals_page}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a page is stale")
    check = parser.parse_args().check
    stale = []
    for name, make in PAGES.items():
        text = make().rstrip("\n") + "\n"
        path = ROOT / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        sys.exit("stale, run scripts/gen_docs.py: " + ", ".join(stale))


if __name__ == "__main__":
    main()
