#!/usr/bin/env python3
"""A plugin of age for the tests. What it does stands in the data of its recipient or identity:
words with `+` between them, those of recipients with `seal-` in front. Its key is no key."""

import hashlib
import os
import signal
import sys

sys.dont_write_bytecode = True
from age_plugin import ask, base64_of, begin, decode, is_recipient, send  # noqa: E402


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
        elif word == "labels":
            assert ask("labels", "postquantum")[0] == ["ok"]
            continue
        elif word == "other":
            ask("recipient-stanza", "1", "test", base64_of(b"other"), body=b"for another file")
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
    lines, stanzas, key = begin()
    for line in lines:
        everything = decode(line).decode().split("+")
        words = [word.removeprefix("seal-") for word in everything
                 if word.startswith("seal-") == is_recipient()]
        owner = everything[0].encode()
        pad = hashlib.sha256(owner).digest()[:16]
        if not act(words, line):
            continue
        if is_recipient():
            wrapped = bytes(a ^ b for a, b in zip(key, pad))
            ask("recipient-stanza", "0", "test", base64_of(owner), body=wrapped)
        for args, wrapped in stanzas:
            if args == ["test", base64_of(owner)]:
                ask("file-key", "0", body=bytes(a ^ b for a, b in zip(wrapped, pad)))
                break
    send("done")


main()
