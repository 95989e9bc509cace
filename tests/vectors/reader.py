#!/usr/bin/env python3
"""A second reader of the sealed Secret, written from docs/format.md alone.

    reader.py VECTOR.json...        opens or refuses each vector, by name
    reader.py --age IDENTITY < F    opens a sealed manifest, prints its values
"""
import base64, hashlib, json, re, sys
from datetime import datetime
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

LIMIT, SCHEMES = 1 << 20, ("age:", "awskms:///", "gcpkms://", "azurekms://", "hashivault://", "k8skms:///")


class Refused(Exception):
    pass


def need(condition, name):
    if not condition:
        raise Refused(name)


def once(pairs):
    need(len(dict(pairs)) == len(pairs), "malformed")
    return dict(pairs)


def load(text, members, optional=()):
    try:
        value = json.loads(text, object_pairs_hook=once)
    except ValueError:
        raise Refused("malformed")
    need(isinstance(value, dict) and set(value) - set(optional) == set(members), "malformed")
    return value


def b64(text, size=None):
    need(re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, "base64")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "base64")
    need(size is None or len(data) == size, "base64")
    return data


def open_jwe(text, place, key, dek_of):
    need(len(text) <= LIMIT, "too-large")
    jwe = load(text, ["protected", "recipients", "iv", "ciphertext", "tag"])
    header = load(b64(jwe["protected"]), ["typ", "enc", "crit", "binding", "commitment", "iat"], ["born"])
    need(header["typ"] == ("envcrypt-v1" if key else "envcrypt-v1-seal"), "typ")
    need(header["enc"] == "A256GCM", "enc")
    need(header["crit"] == ["binding", "commitment"], "crit")
    need(type(header["iat"]) is int and jwe["recipients"], "malformed")
    born = header.get("born", 0)
    need(type(born) is int and born >= 0, "malformed")
    need("born" not in header or (key and born <= header["iat"]), "born")
    binding = header["binding"]
    need(isinstance(binding, dict) and set(binding) <= {"namespace", "name", "key"}, "malformed")
    need(all(isinstance(v, str) for v in binding.values()), "malformed")
    need("name" not in binding or "namespace" in binding, "binding")
    need(len(jwe["recipients"]) <= 100, "too-many-recipients")
    for recipient in jwe["recipients"]:
        need(isinstance(recipient, dict) and set(recipient) == {"header", "encrypted_key"}, "malformed")
        kek = recipient["header"]
        need(isinstance(kek, dict) and set(kek) == {"alg", "kid"}, "malformed")
        need(any(kek["kid"].startswith(s) and kek["alg"] == s.split(":")[0] for s in SCHEMES), "kid")
    iv, tag, ciphertext = b64(jwe["iv"], 12), b64(jwe["tag"], 16), b64(jwe["ciphertext"])
    need(ciphertext and len(ciphertext) % 64 == 0, "tag")
    commitment = b64(header["commitment"], 32)
    need(("key" in binding) == bool(key), "binding")
    need(all(binding[m] == (place | {"key": key})[m] for m in binding), "binding")
    dek = dek_of(jwe["recipients"])
    derived = HKDF(SHA256(), 32, None, b"kubectl-envcrypt v1 commitment").derive(dek)
    need(derived == commitment, "commitment")
    try:
        padded = AESGCM(dek).decrypt(iv, ciphertext + tag, jwe["protected"].encode())
    except InvalidTag:
        raise Refused("tag")
    value = padded.rstrip(b"\0")
    need(value.endswith(b"\x80") and len(padded) - len(value) < 64, "tag")
    digest = hashlib.sha256(".".join(jwe[m] for m in ("protected", "iv", "ciphertext", "tag")).encode())
    return value[:-1], base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def parts(secret):
    """The type, `immutable`, the JWEs by key and the seal, in either form."""
    if secret["kind"] == "EnvcryptSecret":
        sealed = secret["spec"]["sealed"]
        return sealed.get("type", "Opaque"), sealed.get("immutable", False), sealed.get("values", {}), sealed.get("seal")
    annotations = secret["metadata"].get("annotations") or {}
    jwes = {key: base64.b64decode(data).decode() for key, data in secret["data"].items()}
    return annotations.get("envcrypt.dev/type", "Opaque"), secret.get("immutable", False), jwes, annotations.get("envcrypt.dev/seal")


def open_secret(secret, dek_of):
    place = {name: secret["metadata"][name] for name in ("namespace", "name")}
    kind, immutable, jwes, seal = parts(secret)
    values, digests = {}, {}
    for key, jwe in jwes.items():
        values[key], digests[key] = open_jwe(jwe, place, key, dek_of)
    need(seal is not None, "seal-missing")
    sealed, _ = open_jwe(seal, place, None, dek_of)
    content = {"immutable": immutable, "type": kind, "values": digests}
    content = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    need(sealed == hashlib.sha256(content).digest(), "seal-mismatch")
    return values


def fields(data, count):
    """Splits SSH strings, each after its length in four bytes."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[:4], "big")
        need(len(data) >= 4 + size, "signature-form")
        found, data = found + [data[4:4 + size]], data[4 + size:]
    need(not data, "signature-form")
    return found


def ssh(text):
    return len(text).to_bytes(4, "big") + text


def signer_of(blob, message):
    """The public key that signed the message (PROTOCOL.sshsig). Ed25519 only."""
    need(blob[:10] == b"SSHSIG\0\0\0\1", "signature-form")
    key, namespace, reserved, algorithm, signature = fields(blob[10:], 5)
    need(namespace == b"secret@envcrypt.dev" and not reserved and algorithm == b"sha512", "signature-form")
    kind, raw = fields(signature, 2)
    need(fields(key, 2)[0] == kind == b"ssh-ed25519", "signature-form")
    signed = b"SSHSIG" + ssh(namespace) + ssh(reserved) + ssh(algorithm) + ssh(hashlib.sha512(message).digest())
    try:
        text = kind + b" " + base64.b64encode(key)
        load_ssh_public_key(text).verify(raw, signed)
    except InvalidSignature:
        raise Refused("signature-mismatch")
    return text.decode()


def statement(secret, labels, annotations):
    """What an author signs. Offline: the digests are over the texts."""
    kind, immutable, jwes, seal = parts(secret)
    jwes = {key: json.loads(jwe) for key, jwe in jwes.items()} | {None: json.loads(seal)}
    digests = {key: hashlib.sha256(".".join(jwe[m] for m in ("protected", "iv", "ciphertext", "tag")).encode()) for key, jwe in jwes.items()}
    b64url = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    compact = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    values = {key: b64url(digest.digest()) for key, digest in digests.items() if key}
    content = compact({"immutable": immutable, "type": kind, "values": values})
    header = json.loads(b64(jwes[None]["protected"]))
    metadata = secret["spec"].get("template", {}) if "spec" in secret else secret["metadata"]
    pick = lambda names, field: {name: (metadata.get(field) or {}).get(name) for name in names}
    covered = {"labels": pick(labels, "labels"), "annotations": pick(annotations, "annotations")}
    need(None not in [v for names in covered.values() for v in names.values()], "signature-mismatch")
    return compact(covered | {
        "binding": header["binding"], "iat": header["iat"], "seal": b64url(digests[None].digest()),
        "set": b64url(hashlib.sha256(content).digest()), "typ": "envcrypt-v1-signature"}), header["iat"]


def signers_of(text):
    """The lines of an allowed_signers file: principal, key, last second. Few options only."""
    for line in text.splitlines():
        match = re.fullmatch(r'(\S+)(?: valid-before="(\d{8})Z")? (\S+ \S+)', line)
        until = datetime.strptime(match[2] + "+0000", "%Y%m%d%z").timestamp() if match[2] else float("inf")
        yield match[1], match[3], until


def check_signatures(secret, signers, needed):
    """Whether enough different principals signed this state of the Secret."""
    if "spec" in secret:
        text = secret["spec"]["sealed"].get("signatures", "[]")
    else:
        text = secret["metadata"]["annotations"].get("envcrypt.dev/signatures", "[]")
    try:
        found = json.loads(text, object_pairs_hook=once)
    except ValueError:
        raise Refused("signature-form")
    need(isinstance(found, list) and len(found) <= 16, "signature-form")
    need(all(isinstance(s, dict) and set(s) == {"annotations", "labels", "signature"} for s in found), "signature-form")
    need(all(sorted(set(s[m])) == s[m] for s in found for m in ("annotations", "labels")), "signature-form")
    principals, refusals = set(), []
    for signature in found:
        try:
            try:
                message, iat = statement(secret, signature["labels"], signature["annotations"])
                key = signer_of(b64(signature["signature"]), message)
            except Refused as refused:
                raise Refused("signature-form") if str(refused) == "base64" else refused
            match = [name for name, listed, until in signers if listed == key and iat <= until]
            need(match, "signature-signer")
            principals.add(match[0])
        except Refused as refused:
            refusals.append(refused)
    if len(principals) < needed:
        raise Refused("signature-quorum") if principals else (refusals or [Refused("signature-missing")])[0]


def check(path):
    vector = json.load(open(path))
    try:
        if "signers" in vector:
            check_signatures(vector["secret"], list(signers_of(vector["signers"])), vector["needed"])
        values, result = open_secret(vector["secret"], lambda _: b64(vector["dek"])), "ok"
    except Refused as refused:
        result = str(refused)
    assert result == vector["expect"], f"{path}: {result}, not {vector['expect']}"
    if "statement" in vector:
        made, _ = statement(vector["secret"], ["team"], ["envcrypt.dev/owner"])
        assert made.decode() == vector["statement"], f"{path}: another statement"
    elif result == "ok":
        expected = {k: base64.b64decode(v) for k, v in vector["inputs"]["data"].items()}
        assert values == expected, f"{path}: other values"


def main(args):
    if args[:1] == ["--age"]:
        import pyrage, yaml
        identity = next(l for l in open(args[1]).read().splitlines() if l.startswith("AGE-SECRET-KEY-1"))
        identity = pyrage.x25519.Identity.from_str(identity)
        dek_of = lambda recipients: pyrage.decrypt(b64(recipients[0]["encrypted_key"]), [identity])
        values = open_secret(yaml.safe_load(sys.stdin), dek_of)
        print(json.dumps({k: base64.b64encode(v).decode() for k, v in values.items()}))
    else:
        for path in args:
            check(path)
        print(f"{len(args)} vectors")


main(sys.argv[1:])
