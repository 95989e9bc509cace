#!/usr/bin/env python3
"""A plugin of age for the tests. What it does stands in the data of its recipient or identity:
words with `+` between them, those of recipients with `seal-` in front. Its key is no key."""

import base64
import hashlib
import os
import signal
import sys

CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
NAME = os.path.basename(sys.argv[0])


def decode(text):
    """The data of a Bech32 text. The checksum is not looked at."""
    digits = [CHARACTERS.index(c) for c in text.lower().rsplit("1", 1)[1][:-6]]
    number = 0
    for digit in digits:
        number = number << 5 | digit
    size = len(digits) * 5 // 8
    return (number >> (len(digits) * 5 - size * 8)).to_bytes(size, "big").decode()


def base64_of(data):
    return base64.b64encode(data).decode().rstrip("=")


def send(tag, *args, body=b""):
    text = base64_of(body)
    lines = [text[at:at + 64] for at in range(0, len(text) // 64 * 64 + 1, 64)]
    print("->", tag, *args, file=sys.stdout)
    print(*lines, sep="\n", flush=True)


def receive():
    words, body = sys.stdin.readline().split()[1:], ""
    if not words:
        sys.exit(1)
    while True:
        part = sys.stdin.readline().strip()
        body += part
        if len(part) < 64:
            return words, base64.b64decode(body + "==")


def ask(tag, *args, body):
    send(tag, *args, body=body)
    return receive()


def act(words, line):
    """Does what the words say. Returns whether the rest is to follow."""
    print("standard error is not shown", file=sys.stderr)
    for word in words:
        if word == "pin":
            (answer, *_), pin = ask("request-secret", body=b"PIN of\nthe key:")
            if answer == "ok" and pin == b"123456":
                continue
            ask("error", "identity", "0", body=b"wrong PIN " + str(len(pin)).encode())
        elif word == "touch":
            ask("msg", body=b"touch the \x1b[31mkey\nnow")
            continue
        elif word == "public":
            (answer, *_), name = ask("request-public", body=b"name")
            if answer == "ok" and name == b"alice":
                continue
            ask("error", "internal", body=b"nobody")
        elif word == "confirm":
            answer = ask("confirm", base64_of(b"Go"), base64_of(b"Leave"), body=b"go on")
            if answer[0] == ["ok", "yes"]:
                continue
            ask("error", "internal", body=b"not confirmed: " + " ".join(answer[0]).encode())
        elif word == "unknown":
            assert ask("make-coffee", "now", body=b"milk")[0] == ["unsupported"]
            continue
        elif word == "leak":
            ask("error", "identity", "0", body=f"bad {line} and {line.lower()}".encode())
        elif word == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "hang":
            signal.pause()
        elif word == "garbage":
            print("hello\n" * 3, flush=True)
            signal.pause()
        elif word == "flood":
            sys.stdout.write("-> msg\n" + "A" * (3 << 20))
        elif word == "chatter":
            while True:
                ask("msg", body=b"still here")
        elif word == "nothing":
            pass
        else:
            continue
        return False
    return True


def main():
    is_recipient = sys.argv[1] == "--age-plugin=recipient-v1"
    lines, stanzas, key = [], [], b""
    while True:
        words, body = receive()
        if words[0] in ("add-recipient", "add-identity"):
            lines.append(words[1])
        elif words[0] == "recipient-stanza":
            stanzas.append((words[2:], body))
        elif words[0] == "wrap-file-key":
            key = body
        elif words[0] == "done":
            break
    log = sys.argv[0] + ".log"
    if os.path.exists(log):
        with open(log, "a", encoding="utf-8") as file:
            print(NAME, sys.argv[1], len(lines), os.getcwd(), file=file)
    for line in lines:
        everything = decode(line).split("+")
        words = [word.removeprefix("seal-") for word in everything
                 if word.startswith("seal-") == is_recipient]
        owner = everything[0].encode()
        pad = hashlib.sha256(owner).digest()[:16]
        if not act(words, line):
            continue
        if is_recipient:
            wrapped = bytes(a ^ b for a, b in zip(key, pad))
            ask("recipient-stanza", "0", "test", base64_of(owner), body=wrapped)
        for args, wrapped in stanzas:
            if args == ["test", base64_of(owner)]:
                ask("file-key", "0", body=bytes(a ^ b for a, b in zip(wrapped, pad)))
                break
    send("done")


main()
