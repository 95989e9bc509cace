"""What the plugins of age for the tests share: the protocol of <https://c2sp.org/age-plugin>."""

import base64
import os
import sys

CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def decode(text):
    """The data of a Bech32 text. The checksum is not looked at."""
    digits = [CHARACTERS.index(c) for c in text.lower().rsplit("1", 1)[1][:-6]]
    number = 0
    for digit in digits:
        number = number << 5 | digit
    size = len(digits) * 5 // 8
    return (number >> (len(digits) * 5 - size * 8)).to_bytes(size, "big")


def base64_of(data):
    return base64.b64encode(data).decode().rstrip("=")


def bytes_of(text):
    return base64.b64decode(text + "==")


def send(tag, *args, body=b""):
    text = base64_of(body)
    lines = [text[at:at + 64] for at in range(0, len(text) // 64 * 64 + 1, 64)]
    print("->", tag, *args)
    print(*lines, sep="\n", flush=True)


def receive():
    words, body = sys.stdin.readline().split()[1:], ""
    if not words:
        sys.exit(1)
    while True:
        part = sys.stdin.readline().strip()
        body += part
        if len(part) < 64:
            return words, bytes_of(body)


def ask(tag, *args, body=b""):
    send(tag, *args, body=body)
    return receive()


def is_recipient():
    return sys.argv[1] == "--age-plugin=recipient-v1"


def begin():
    """The recipients or identities, the stanzas of the file, and the file key to wrap."""
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
    # A test that wants to know has made the file.
    log = sys.argv[0] + ".log"
    if os.path.exists(log):
        with open(log, "a", encoding="utf-8") as file:
            print(os.path.basename(sys.argv[0]), sys.argv[1], len(lines), os.getcwd(), file=file)
    return lines, stanzas, key
