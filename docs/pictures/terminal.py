"""Run commands in a real terminal (a pty), and show what it held as an animated SVG."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from dataclasses import dataclass

from svg import MONO, box, element, picture, text

COLUMNS = 96
CELL, LINE, LEFT, TOP = 8.4, 20, 22, 50
PER_KEY, BEFORE_TYPING, AFTER_TYPING, READING, LAST_PAUSE = 0.05, 0.6, 0.4, 1.4, 8.0
STYLE = f""".card{{fill:#1a1f29;stroke:#596273}}.bar{{fill:#2a3140}}.dot{{fill:#7d8799}}
text{{font:14px {MONO};fill:#d7dce5;white-space:pre}}.name{{fill:#aab3c2}}
.prompt{{fill:#7ee2a0}}.command{{fill:#fff}}.caption{{fill:#98a2b3;font-style:italic}}
.cover{{fill:#1a1f29}}.cursor{{fill:#d7dce5}}.moves{{opacity:0}}
"""
STILL = "@media(prefers-reduced-motion:reduce){.a{animation:none!important}}"
CONTROL = re.compile(r"\r|\n|\x1b\[2K|[^\x00-\x1f\x7f]+")


def run(arguments, answers, environment, directory):
    """Run a command, and give each answer when its prompt is there.

    Return the exit code, and the output in pieces: one up to each answer, and the rest.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
            os.chdir(directory)
            os.execvpe(arguments[0], arguments, environment)
        finally:
            os._exit(127)
    pieces, waiting = [b""], list(answers)
    while True:
        if not select.select([terminal], [], [], 30)[0]:
            os.kill(pid, signal.SIGKILL)
            raise SystemExit(f"error: no prompt and no end: {' '.join(arguments)}: {pieces[-1]!r}")
        try:
            output = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other side is closed
            output = b""
        if not output:
            break
        pieces[-1] += output
        if waiting and pieces[-1].endswith(waiting[0].prompt.encode()):
            os.write(terminal, waiting.pop(0).typed.encode() + b"\n")
            pieces.append(b"")
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, [piece.decode() for piece in pieces]


@dataclass
class Answer:
    prompt: str
    typed: str
    visible: bool = False


@dataclass
class Row:
    """A line of the terminal, when it appears, and from which column and when a person types."""

    shown: str
    at: float
    column: int = 0
    start: float = 0
    seconds: float = 0
    hidden: bool = False
    caption: str = ""


class Recording:
    """What the terminal shows, with a clock of its own: a person types, the program is instant."""

    def __init__(self):
        self.rows, self.clock, self.cursor = [], 0.5, 0

    def command(self, line, pieces, answers, caption=""):
        self.rows.append(Row("$ " + line, self.clock))
        self.clock += READING if len(self.rows) > 1 else 0
        self.type(2, line, hidden=False)
        self.rows.append(Row("", self.clock))
        self.cursor = 0
        for piece, answer in zip(pieces, answers):
            self.print(piece)
            self.type(self.cursor, answer.typed, not answer.visible)
        self.print(pieces[len(answers)])
        if self.rows[-1].shown == "" and not caption:
            self.rows.pop()
        self.rows[-1].caption = caption or self.rows[-1].caption
        for row in self.rows:
            if len(row.shown) + len(row.caption) > COLUMNS:
                raise SystemExit(f"error: wider than {COLUMNS} columns: {row.shown}")

    def type(self, column, typed, hidden):
        row = self.rows[-1]
        row.column, row.start, row.hidden = column, self.clock + BEFORE_TYPING, hidden
        row.seconds = len(typed) * PER_KEY
        row.caption = "(typed, not echoed)" if hidden else ""
        self.clock = row.start + row.seconds + AFTER_TYPING

    def print(self, output):
        """What a terminal does with the output. Anything unknown is an error, not a gap."""
        if CONTROL.sub("", output):
            raise SystemExit(f"error: unknown control characters: {CONTROL.sub('', output)!r}")
        for part in CONTROL.findall(output):
            row = self.rows[-1]
            if part == "\r":
                self.cursor = 0
            elif part == "\n":
                self.rows.append(Row("", self.clock))
            elif part == "\x1b[2K":
                row.shown = ""
            else:
                row.shown = row.shown.ljust(self.cursor)
                row.shown = row.shown[:self.cursor] + part + row.shown[self.cursor + len(part):]
                self.cursor += len(part)

    def svg(self, title, description):
        """The last frame, and CSS that plays how it came about. Without animation it just stands."""
        self.rows.append(Row("$ ", self.clock, column=2))
        total, frames, body, y = self.clock + LAST_PAUSE, {}, [], TOP

        def plays(steps, *parts, **attributes):
            """A group that changes as the steps say: pairs of a moment and its CSS."""
            frame = "".join(f"{100 * at / total:.2f}%{{{css}}}" for at, css in steps)
            name = frames.setdefault(frame, f"k{len(frames)}")
            attributes.setdefault("class_", "a")
            return element("g", "".join(parts), style=f"animation-name:{name}", **attributes)

        for row in self.rows:
            command = row.shown.startswith("$ ")
            y += LINE + (8 if command and body else 0)
            end, keys = row.start + row.seconds, 0 if row.hidden else round(row.seconds / PER_KEY)
            parts = []
            for word in re.finditer(r"^\$|\S+(?: \S+)*", row.shown):
                kind = "" if not command else "command" if word.start() else "prompt"
                parts.append(text(LEFT + word.start() * CELL, y, word.group(), kind,
                                  textLength=len(word.group()) * CELL))
            cursor = box(0, y - 14, CELL, 18, "cursor", 0)
            if row.seconds:  # a cover with a cursor moves to the right, and bares what is typed
                cover = box(0, y - 16, (keys + 1) * CELL, 22, "cover", 0) + cursor
                moved = f"opacity:1;transform:translateX({keys * CELL:.1f}px)"
                still = f"opacity:1;transform:none;animation-timing-function:steps({keys or 1})"
                steps = [(0, "opacity:1"), (row.start, still), (end, moved),
                         (end + AFTER_TYPING, "opacity:0")]
                cursor = plays(steps, cover, class_="a moves")
            if row.seconds or row is self.rows[-1]:
                x = LEFT + row.column * CELL
                parts.append(element("g", cursor, transform=f"translate({x:.1f} 0)"))
            if row.caption:
                x = LEFT + (len(row.shown.rstrip()) + (2 if row.shown else 0)) * CELL
                caption = text(x, y, row.caption, "caption")
                parts.append(plays([(0, "opacity:0"), (end or row.at, "opacity:1")], caption))
            body.append(plays([(0, "opacity:0"), (row.at, "opacity:1")], *parts))
        width, height = round(COLUMNS * CELL) + 2 * LEFT, y + 26
        style = STYLE + f".a{{animation:{total:.2f}s step-end infinite}}\n" + STILL
        style += "".join(f"\n@keyframes {name}{{{frame}}}" for frame, name in frames.items())
        bar = f"M2 40V13A11 11 0 0 1 13 2H{width - 13}A11 11 0 0 1 {width - 2} 13V40Z"
        inside = box(LEFT, 40, width - 2 * LEFT, height - 42, "", 0)
        return picture(width, height, title, description, style, [
            element("path", class_="bar", d=bar),
            *(element("circle", cx=24 + 20 * i, cy=21, r=6, class_="dot") for i in range(3)),
            text(width // 2, 26, title, "name", text_anchor="middle"),
            element("clipPath", inside, id="inside"),
            element("g", "\n" + "\n".join(body) + "\n", clip_path="url(#inside)"),
        ])
