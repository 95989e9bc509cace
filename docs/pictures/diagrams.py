"""The two pictures that do not move: the envelope, and the table of who sees what."""

import textwrap

from svg import MONO, SANS, box, element, picture, text

STYLE = f"""text{{font-family:{SANS};fill:#1f2733}}.card{{fill:#fcfcfd;stroke:#8c96a5}}
.title{{font-size:20px;font-weight:600}}.sub{{font-size:13px;fill:#4a5565}}
.bold{{font-size:14px;font-weight:600}}.small{{font-size:12.5px;fill:#3b4553}}
.mono{{font:12px {MONO};fill:#1f2733}}"""

ENVELOPE_STYLE = STYLE + """
.zone{fill:#f1f4f8;stroke:#c3cbd6}.kms{fill:#fdf3e1;stroke:#d9b06a}
.box{fill:#fff;stroke:#8793a5}.secret{fill:#fde8e8;stroke:#c65353}.sealed{fill:#e6f4ea;stroke:#4c9a68}
.key{fill:#fff3d1;stroke:#c08a1e}.other{fill:none;stroke:#a8905a;stroke-dasharray:5 4}
.arrow{fill:none;stroke:#3b4553;stroke-width:1.8;marker-end:url(#head)}
.head{fill:#3b4553}"""


def envelope(secret):
    """How a value is sealed, with the fields and sizes of the sealed Secret of the run."""
    value, seal = secret.values[secret.key], secret.seal
    recipient = value.recipients[0]
    kid = recipient["kid"]
    parts = [
        element("defs", element("marker", element("path", d="M0 0L9 4.5L0 9Z", class_="head"),
                id="head", markerWidth=9, markerHeight=9, refX=8, refY=4.5, orient="auto",
                markerUnits="userSpaceOnUse")),
        text(26, 38, "How a value is sealed", "title"),
        text(26, 60, f"Names and sizes come from a real sealed Secret, {secret.place}.", "sub"),
        box(20, 78, 316, 568, "zone", 10), text(36, 102, "Your machine", "bold"),
        box(372, 296, 204, 228, "kms", 10), text(388, 320, "KMS", "bold"),
        text(432, 320, "(age: your machine)", "small"),
        box(612, 78, 348, 568, "zone", 10), text(628, 102, "Git and the cluster", "bold"),
    ]

    def block(x, y, width, height, class_, head, *lines, mono=False):
        parts.append(box(x, y, width, height, class_))
        parts.append(text(x + 12, y + 22, head, "bold"))
        for number, line in enumerate(lines):
            style = "mono" if mono else "small"
            parts.append(text(x + 12, y + 41 + 18 * number, line, style))

    def arrow(path, label="", x=0, y=0, anchor="middle"):
        parts.append(element("path", d=path, class_="arrow"))
        if label:
            parts.append(text(x, y, label, "small", text_anchor=anchor))

    binding = [f"{name} {value.binding[name]}" for name in ("namespace", "name", "key")]
    block(36, 116, 134, 100, "secret", "The value", f"{secret.length} bytes,", "typed by you,", "not echoed")
    block(182, 116, 138, 100, "box", "The binding", *binding, mono=True)
    block(36, 256, 284, 68, "box", "AES-256-GCM encrypts",
          f"the value, padded to {value.ciphertext} bytes;", "it authenticates the binding")
    block(36, 380, 284, 68, "key", "Data key (DEK)", f"{secret.dek} random bytes,",
          "new for each Secret at each sealing")
    block(36, 520, 284, 92, "box", "The seal over the whole Secret",
          "hashes of all values, with type and", "immutable, sealed under the same DEK.",
          "It shows a dropped or an old value.")
    arrow("M103 216V255", "pad", 112, 240, "start")
    arrow("M251 216V255")
    arrow("M178 380V325", "key", 187, 357, "start")
    arrow("M178 448V519", "key", 187, 489, "start")

    def kek(y, class_, head, line):
        block(388, y, 172, 54, class_, head, line)

    kek(334, "key", f"KEK: {recipient['alg']}", "used in this run")
    kek(396, "other", "KEK: awskms", "AWS KMS, for example")
    kek(458, "other", "KEK: hashivault", "Vault, for example")
    arrow("M320 414H354V361H387")
    arrow("M320 414H354V423H387")
    arrow("M320 414H354V485H387")
    parts.append(text(474, 546, "Each KEK wraps the DEK.", "small", text_anchor="middle"))
    parts.append(text(474, 564, "Any one of them opens it.", "small", text_anchor="middle"))

    parts.append(box(628, 116, 316, 392, "sealed"))
    parts.append(text(640, 138, f"data: {secret.key}", "bold"))
    parts.append(text(932, 138, "a JWE", "small", text_anchor="end"))
    fields = [("protected", ""), ("  enc", value.enc), ("  binding", "/".join(value.binding.values())),
              ("  commitment", f"{value.commitment} bytes, names one DEK"), ("iv", f"{value.iv} bytes"),
              ("ciphertext", f"{value.ciphertext} bytes"), ("tag", f"{value.tag} bytes")]
    for number, (name, content) in enumerate(fields):
        indent = 12 if name.startswith(" ") else 0
        parts.append(text(640 + indent, 162 + 19 * number, name.strip(), "mono"))
        parts.append(text(752, 162 + 19 * number, content, "mono"))
    arrow("M320 290H350V242H627", "sealed on your machine, no KMS call", 482, 232)
    block(640, 328, 292, 82, "key", f"recipient: {recipient['alg']}", f"kid {kid[:16]}…{kid[-6:]}",
          f"encrypted_key {recipient['size']} bytes", mono=True)
    block(640, 418, 292, 78, "other", "one more for each other KEK", "kid awskms:///arn:aws:kms:…",
          "encrypted_key …", mono=True)
    parts.append(text(640, 316, f"recipients ({len(value.recipients)} here)", "mono"))
    arrow("M560 361H639")
    arrow("M560 423H600V446H639")
    arrow("M560 485H600V466H639")
    others = [key for key in secret.values if key != secret.key]
    parts.append(box(628, 520, 316, 34, "sealed"))
    parts.append(text(640, 542, f"data: {', '.join(others)}", "bold"))
    parts.append(text(932, 542, "same parts, same DEK", "small", text_anchor="end"))
    block(628, 566, 316, 70, "sealed", "annotation: envcrypt.dev/seal",
          f"typ {seal.typ}",
          f"binding {'/'.join(seal.binding.values())}, ciphertext {seal.ciphertext} bytes", mono=True)
    arrow("M320 590H627")
    parts.append(text(26, 676, "Anyone can read names, times, KEKs and sizes to within 64 bytes. "
                      "Only a KEK opens a value. A KEK in a KMS never leaves it.", "sub"))
    description = (
        f"On your machine, the value of {secret.key} is padded and encrypted with AES-256-GCM under "
        "a data key (DEK). The namespace, name and key are authenticated as its binding. Each KEK "
        "wraps the DEK, which gives one recipient. A seal under the same DEK covers all values. "
        "Git and the cluster hold only the result.")
    return picture(980, 696, "How kubectl envcrypt seals a value", description, ENVELOPE_STYLE, parts)


BAD, PART, GOOD = "bad", "part", "good"
COLUMNS = ["Shell history, process list", "Git repository", "etcd and its backups",
           "Anyone who may get Secrets", "Control-plane access for setup",
           "Old or swapped value noticed"]

# A cell: how good it is, a word, a detail, and the claim that the run has to prove for it.
HISTORY = (BAD, "Sees the value", "with --from-literal", "")
COMMITTED = (BAD, "Sees the value", "base64, if it is committed", "")
BASE64 = (BAD, "Sees the value", "base64", "")
PLAIN = (BAD, "Sees the value", "base64", "plain")
TYPED = (GOOD, "Sees nothing", "you type it, it is not echoed", "hidden")
CIPHERTEXT = (GOOD, "Ciphertext", "", "")
SEALED = (GOOD, "Ciphertext", "", "sealed")
NOT_NEEDED = (GOOD, "Not needed", "", "")
ROWS = {
    ("Plain Secret", "kubectl create secret"): [
        HISTORY, COMMITTED[:3] + ("plain",), PLAIN, PLAIN, NOT_NEEDED, (BAD, "No", "", "")],
    ("Encryption at rest", "EncryptionConfiguration, KMS plugin"): [
        HISTORY, COMMITTED, CIPHERTEXT, (BAD, "Sees the value", "the API server decrypts it", ""),
        (BAD, "Needed", "or an option of your provider", ""),
        (PART, "Partly", "moved in etcd: yes, with AES-GCM or KMS. Old: no", "")],
    ("SOPS in Git", "then a plain Secret in the cluster"): [
        (GOOD, "Sees nothing", "in its editor", ""), CIPHERTEXT, BASE64, BASE64, NOT_NEEDED,
        (PART, "Partly", "in the file: yes, by sops, not by Flux. Old file: no", "")],
    ("Sealed Secrets", "then a plain Secret in the cluster"): [
        (PART, "It depends", "on your input to kubeseal", ""), CIPHERTEXT,
        (BAD, "Sees the value", "and the keys of the controller", ""), BASE64,
        (PART, "Cluster admin", "installs controller and CRD", ""),
        (PART, "Partly", "other namespace or name: yes. Old or swapped: no", "")],
    ("kubectl envcrypt", "create, apply: sealed in the cluster"): [
        TYPED, SEALED, SEALED, (GOOD, "Ciphertext", "a workload needs exec to open it", "sealed"),
        (GOOD, "Not needed", "no controller, no CRD", ""),
        (GOOD, "When opened", "old, swapped or moved: yes. Old whole Secret: no", "noticed")],
    ("kubectl envcrypt", "apply --unwrap: plain in the cluster"): [
        TYPED, SEALED, PLAIN, PLAIN, (GOOD, "Not needed", "no controller, no CRD", ""),
        (PART, "Partly", "when unwrapped: yes. Later, in the cluster: no", "noticed")],
}
NOTES = [
    "The run that made this picture checked this on its own files.",
    "With encryption at rest added to any row, etcd and its backups hold only ciphertext.",
    "Last column: someone changes the file, the cluster or etcd, and may not use the key.",
    "Anyone can seal a new value to an age recipient (SOPS, envcrypt) or to the certificate of "
    "Sealed Secrets: both are public.",
    "docs/threat-model.md says how to prevent that here.",
]
TABLE_STYLE = STYLE + """
.bad{fill:#fbe3e3;stroke:#c65353}.part{fill:#fdf0d2;stroke:#c08a1e}.good{fill:#e1f3e7;stroke:#4c9a68}
.line{stroke:#d3d9e1}.sign{fill:none;stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}
.sign.bad{fill:none;stroke:#a52a2a}.sign.part{fill:none;stroke:#8a5d00}.sign.good{fill:none;stroke:#1d6b3a}
.run{fill:#2f5fb3;stroke:#fff;stroke-width:1.5}.bold{font-size:13px}.small{font-size:12px}"""
SIGNS = {BAD: "M-4-4L4 4M-4 4L4-4", PART: "M-5 0H5", GOOD: "M-5 0L-1.5 4L5-4"}
LABELS, WIDE, HIGH, TOP = 190, 150, 90, 132


def who_sees_what(proven):
    """The table. A cell that names a claim which the run did not prove stops the program."""
    right, y = LABELS + len(COLUMNS) * WIDE, TOP
    parts = [text(26, 38, "Who sees the value of a Secret?", "title"),
             text(26, 60, "Six ways to keep a Secret, and who can read its value there.", "sub")]

    def lines(x, y, words, width, class_):
        for number, line in enumerate(textwrap.wrap(words, width, break_on_hyphens=False)):
            parts.append(text(x, y + 16 * number, line, class_))

    for column, name in enumerate(COLUMNS):
        lines(LABELS + column * WIDE + 9, 94, name, 16, "bold")
    for (name, how), cells in ROWS.items():
        parts.append(element("path", d=f"M26 {y - 5}H{right - 8}", class_="line"))
        parts.append(text(26, y + 22, name, "bold"))
        lines(26, y + 40, how, 24, "small")
        for column, (state, head, detail, claim) in enumerate(cells):
            x = LABELS + column * WIDE
            sign = element("path", d=SIGNS[state], class_=f"sign {state}")
            parts += [box(x, y, WIDE - 8, HIGH - 10, state, 6),
                      element("g", sign, transform=f"translate({x + 15} {y + 18})"),
                      text(x + 27, y + 22, head, "bold")]
            lines(x + 10, y + 40, detail, 19, "small")
            if claim and claim not in proven:
                raise SystemExit(f"error: the table says `{claim}`, and the run did not prove it")
            if claim:
                parts.append(element("circle", cx=x + WIDE - 12, cy=y + 4, r=5, class_="run"))
        y += HIGH
    y += 14
    parts.append(element("circle", cx=31, cy=y - 4, r=5, class_="run"))
    for number, note in enumerate(NOTES):
        parts.append(text(26 if number else 42, y + 18 * number, note, "small"))
    description = " ".join(f"{name} ({how}): " + "; ".join(
        f"{place}: {head}{', ' + detail if detail else ''}"
        for place, (_, head, detail, _) in zip(COLUMNS, cells)) + "."
        for (name, how), cells in ROWS.items())
    return picture(right + 18, y + 18 * len(NOTES), "Who sees the value of a Secret",
                   description, TABLE_STYLE, parts)
