# SPDX-License-Identifier: Apache-2.0
"""Writes docs/benchmarks.md and its plots from the results of compare.py."""
import statistics
from html import escape

ROW, LEFT, BAR, RIGHT, TOP = 24, 150, 380, 120, 34
OURS, OTHERS, FLOOR = "#c2410c", "#64748b", "#cbd5e1"


def plot(title, unit, values, digits):
    """An SVG of horizontal bars: values is a list of (name, [samples]); the line on a bar is its spread."""
    most = max(max(samples) for _, samples in values) or 1
    height = TOP + ROW * len(values) + 12
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + BAR + RIGHT}" height="{height}" '
             f'font-family="sans-serif" font-size="13">',
             f'<rect width="100%" height="100%" fill="#ffffff"/>',
             f'<text x="8" y="20" font-weight="bold" fill="#0f172a">{escape(title)} ({escape(unit)})</text>']
    for i, (name, samples) in enumerate(values):
        y = TOP + i * ROW
        middle = statistics.median(samples)
        color = OURS if name == "this" else FLOOR if name == "floor" else OTHERS
        low, high = (LEFT + BAR * value / most for value in (min(samples), max(samples)))
        parts += [f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end" fill="#0f172a">{escape(name)}</text>',
                  f'<rect x="{LEFT}" y="{y + 3}" width="{BAR * middle / most:.1f}" height="{ROW - 8}" fill="{color}"/>',
                  f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 11}" y2="{y + 11}" stroke="#0f172a"/>',
                  f'<text x="{max(LEFT + BAR * middle / most, high) + 6:.1f}" y="{y + 16}" fill="#0f172a">'
                  f'{middle:,.{digits}f}</text>']
    return "\n".join(parts + ["</svg>", ""])


def write(folder, machine, scenarios):
    """scenarios: a list of (name, title, columns, table, results, lines on failures); the page is folder/benchmarks.md."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    page = ["# Benchmarks", "",
            "Written by `make figures` (`bench/load/compare.py --report docs`), which measures every server it finds on the machine in turns",
            "and keeps the median; the spread is in brackets in the tables and the thin line on the bars. `floor` is a bare epoll loop in C that",
            "answers without looking. What each scenario does, and how the servers are started, is in [bench/README.md](../bench/README.md).", ""]
    page += [line + "  " for line in machine] + [""]
    for name, title, columns, table, results, failures in scenarios:
        page += [f"## {title}", ""]
        for key, heading, digits in columns:
            if key in ("held", "max_ms"):
                continue
            values = [(server, [sample[key] for sample in samples]) for server, samples in results.items()]
            if not values:
                continue
            file = f"bench-{name}-{key.replace('_', '-')}.svg"
            (images / file).write_text(plot(title, heading, values, digits))
            page.append(f"![{title}: {heading}](images/{file})")
        page += ["", "| " + " | ".join(table[0]) + " |", "|---|" + "--:|" * (len(table[0]) - 1)]
        page += ["| " + " | ".join(row) + " |" for row in table[1:]]
        page.append("")
        page += [line + "  " for line in failures] + [""] * bool(failures)
    notes = folder / "benchmarks-notes.md"
    if notes.exists():
        page.append(notes.read_text().rstrip())
        page.append("")
    (folder / "benchmarks.md").write_text("\n".join(page))
