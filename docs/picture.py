"""Turns coloured terminal output into an SVG: `opsform plan --color always | python3 docs/picture.py > docs/plan.svg`."""

import html
import re
import sys

COLORS = {31: "#e5534b", 32: "#57ab5a", 33: "#d4a72c", 34: "#539bf5", 35: "#b083f0", 36: "#39c5cf"}
TEXT, DIM, BACKGROUND = "#d1d7e0", "#8b949e", "#1c2128"
CHARACTER, LINE, MARGIN, BAR = 8.43, 19, 18, 36


def spans(line):
    """The pieces of a line, each with its style."""
    style = {}
    for code, text in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)", line):
        if text:
            yield text, dict(style)
            continue
        for number in (int(n or 0) for n in code.split(";")):
            if number == 0:
                style = {}
            elif number == 1:
                style["font-weight"] = "bold"
            elif number == 2:
                style.setdefault("fill", DIM)
            elif number == 4:
                style["text-decoration"] = "underline"
            elif number in COLORS:
                style["fill"] = COLORS[number]


def main():
    lines = ["\x1b[2m$\x1b[0m \x1b[1mopsform plan\x1b[0m", *sys.stdin.read().rstrip("\n").split("\n")]
    longest = max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines)
    width, height = round(longest * CHARACTER + 2 * MARGIN), BAR + len(lines) * LINE + MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">')
    print(f'<rect width="{width}" height="{height}" rx="9" fill="{BACKGROUND}"/>')
    for n, color in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        print(f'<circle cx="{MARGIN + 6 + n * 20}" cy="18" r="6" fill="{color}"/>')
    print(f'<g fill="{TEXT}" font-size="14" xml:space="preserve" style="white-space:pre" font-family="ui-monospace, '
          "SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">")
    for row, line in enumerate(lines):
        column = 0
        for text, style in spans(line):
            words = "".join(f' {name}="{value}"' for name, value in style.items())
            x = MARGIN + column * CHARACTER
            y = BAR + (row + 1) * LINE - 4
            column += len(text)
            lead = len(text) - len(text.lstrip(" "))
            # Each piece stands at its own place, so that a font of another width does not break the columns.
            if text.strip():
                print(f'<text x="{x + lead * CHARACTER:.1f}" y="{y}" textLength="{len(text.strip()) * CHARACTER:.1f}"'
                      f'{words}>{html.escape(text.strip())}</text>')
    print("</g></svg>")


main()
