#!/usr/bin/env python3
"""A plugin of age that plays a hardware key: it opens for a tagged recipient on P-256, with the
HPKE of pyca/cryptography. Its identity is the secret key."""

import hashlib
import hmac
import sys

from cryptography.hazmat.primitives import hpke, serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.dont_write_bytecode = True
from age_plugin import ask, base64_of, begin, bytes_of, decode, send  # noqa: E402

LABEL = b"age-encryption.org/p256tag"
SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


def main():
    lines, stanzas, _ = begin()
    for line in lines:
        secret = ec.derive_private_key(int.from_bytes(decode(line), "big"), ec.SECP256R1())
        form = serialization.PublicFormat.CompressedPoint
        point = secret.public_key().public_bytes(serialization.Encoding.X962, form)
        for args, body in stanzas:
            if args[0] != "p256tag":
                continue
            encapsulated = bytes_of(args[2])
            text = encapsulated + hashlib.sha256(point).digest()[:4]
            if args[1] != base64_of(hmac.digest(LABEL, text, "sha256")[:4]):
                continue
            ask("msg", body=b"touch the key")
            key = SUITE.decrypt(encapsulated + body, secret, info=LABEL)
            ask("file-key", "0", body=key)
            break
    send("done")


main()
