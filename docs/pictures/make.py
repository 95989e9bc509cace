#!/usr/bin/env python3
"""Make the pictures of the documentation from real runs of the plugin.

    make.py BINARY [OUTPUT_DIR]
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.dom import minidom

sys.dont_write_bytecode = True

from diagrams import envelope, who_sees_what
from terminal import Answer, Recording, run

PASSWORD, OLDER, USER = "correct horse battery staple", "an older password", "app"
CREATE = ("kubectl envcrypt create db username password --visible username "
          "-n prod --kek local -w db.yaml")
LIMIT = 60_000


def answers(password):
    return [Answer("username: ", USER, visible=True), Answer("password: ", password),
            Answer("password (again): ", password)]


class Machine:
    """A fresh home directory, with the binary on PATH as a plugin of kubectl."""

    def __init__(self, root, binary):
        self.home, self.work, programs = root / "home", root / "home" / "work", root / "bin"
        for directory in (self.work, programs):
            directory.mkdir(parents=True)
        (programs / "kubectl-envcrypt").symlink_to(binary)
        if not shutil.which("kubectl"):
            wrapper = programs / "kubectl"
            wrapper.write_text('#!/bin/sh\nshift\nexec kubectl-envcrypt "$@"\n')
            wrapper.chmod(0o755)
        self.environment = {
            "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / ".config"),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm-256color",
            "LANG": "C.UTF-8", "TZ": "UTC",
        }

    def type(self, line, given=()):
        """Run a command in the terminal. The home directory reads `~` in what it returns."""
        code, pieces = run(line.split(), given, self.environment, self.work)
        pieces = [piece.replace(str(self.home), "~") for piece in pieces]
        need(code == 0 and len(pieces) == len(given) + 1, f"`{line}` works: {''.join(pieces)}")
        return pieces

    def unwrap(self, manifest):
        """The plain manifest, or None if the plugin refuses the sealed one for what it holds."""
        done = subprocess.run(["kubectl", "envcrypt", "unwrap", "-f", "-"], input=manifest, text=True,
                              capture_output=True, env=self.environment, cwd=self.work, check=False)
        need(done.returncode == 0 or "seal" in done.stderr, f"a refusal says why: {done.stderr}")
        return done.stdout if done.returncode == 0 else None


class Sealed:
    """One JWE of a sealed Secret: the fields that can be read without a key, and sizes in bytes."""

    def __init__(self, text):
        whole = json.loads(text)
        header = json.loads(decode(whole["protected"]))
        self.typ, self.enc, self.binding = header["typ"], header["enc"], header["binding"]
        self.commitment = len(decode(header["commitment"]))
        self.iv, self.ciphertext, self.tag = (
            len(decode(whole[name])) for name in ("iv", "ciphertext", "tag"))
        self.recipients = [
            {**entry["header"], "size": len(decode(entry["encrypted_key"]))}
            for entry in whole["recipients"]]


class SealedSecret:
    """What a diagram says of the sealed Secret of the run."""

    key, length, dek = "password", len(PASSWORD), 32

    def __init__(self, manifest):
        self.values = {key: Sealed(base64.b64decode(value)) for key, value in data(manifest).items()}
        self.seal = Sealed(re.search(r"envcrypt\.dev/seal: '(.*)'", manifest).group(1))
        self.place = "/".join(self.seal.binding.values())


def data(manifest):
    return dict(re.findall(r"^  ([\w.-]+): (\S+)$", manifest.split("\ndata:\n")[1], re.MULTILINE))


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def need(condition, claim):
    if not condition:
        raise SystemExit(f"error: this is not so: {claim}")


def prove(machine, output, sealed):
    """Try what the table says. Return the names of what is so; stop at what is not."""
    secrets = [form for value in (PASSWORD, OLDER) for form in (
        value, base64.b64encode(value.encode()).decode())]
    for file in (path for path in machine.home.rglob("*") if path.is_file()):
        content = file.read_bytes()
        need(not any(secret.encode() in content for secret in secrets), f"{file} has no password")
    need(not any(secret in CREATE + output for secret in secrets), "`create` shows no password")

    plain = machine.unwrap(sealed)
    need(plain and "type: envcrypt.dev/sealed" not in plain, "the Secret opens as a plain one")
    need(base64.b64decode(data(plain)["password"]).decode() == PASSWORD, "a plain Secret is base64")

    values, older = data(sealed), (machine.work / "older.yaml").read_text()
    swapped = sealed.replace(values["password"], "-").replace(
        values["username"], values["password"]).replace(": -\n", f": {values['username']}\n")
    need(data(swapped)["password"] == values["username"] != values["password"], "values are swapped")
    need(machine.unwrap(swapped) is None, "swapped values are noticed")
    for place in ("namespace: prod", "name: db"):
        moved = sealed.replace(f"  {place}\n", f"  {place}-2\n")
        need(moved != sealed and machine.unwrap(moved) is None, f"another {place} is noticed")
    one_old = sealed.replace(values["password"], data(older)["password"])
    need(one_old != sealed and machine.unwrap(one_old) is None, "one old value is noticed")
    need(machine.unwrap(older) is not None, "an old whole Secret opens, as the table says")
    return {"hidden", "sealed", "plain", "noticed"}


def main(binary, output=Path(__file__).parent):
    with tempfile.TemporaryDirectory() as temporary:
        machine = Machine(Path(temporary).resolve(), Path(binary).resolve(strict=True))
        recording, given = Recording(), answers(PASSWORD)
        created = machine.type(CREATE, given)
        recording.command(CREATE, created, given)
        for line in ("inspect -f db.yaml", "unwrap -f db.yaml password", "check ."):
            line = f"kubectl envcrypt {line}"
            shown = machine.type(line)
            recording.command(line, shown, [], "" if shown[0] else "(no output, exit code 0)")
        sealed = (machine.work / "db.yaml").read_text()
        machine.type(CREATE.replace("db.yaml", "older.yaml"), answers(OLDER))
        proven = prove(machine, "".join(created), sealed)
        pictures = {
            "first-minute.svg": recording.svg(
                "kubectl envcrypt: the first minute",
                "A terminal. " + " ".join(row.shown.strip() for row in recording.rows if row.shown)),
            "envelope.svg": envelope(SealedSecret(sealed)),
            "who-sees-what.svg": who_sees_what(proven),
        }
        for name, picture in pictures.items():
            minidom.parseString(picture)
            need(len(picture.encode()) < LIMIT, f"{name} has under {LIMIT} bytes")
            need(temporary not in picture, f"{name} shows no path of this machine")
    Path(output).mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (Path(output) / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__.strip())
    main(*sys.argv[1:])
