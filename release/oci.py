"""Writes an OCI image layout with one static program. Only for image.sh.

It writes NAME.oci (the layout), NAME.tar (the same as an archive) and NAME.digest
(the digest of the manifest) into DIRECTORY, and prints NAME. The same input gives
the same bytes on every machine.
"""

import argparse
import datetime
import hashlib
import io
import json
import pathlib
import shutil
import struct
import sys
import tarfile
import zlib

SOURCE = "https://github.com/kubectl-envcrypt/kubectl-envcrypt"
# What each program is, and its arguments unless a pod names others.
PROGRAMS = {
    "envcrypt-kms": ("A KMS v2 plugin of kube-apiserver for any KMS", ["serve"]),
    "envcrypt-controller": ("Keeps the plain Secret of each EnvcryptSecret as it was sealed", []),
}
NONROOT = 65532
PASSWD = f"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{NONROOT}:{NONROOT}:nonroot:/:/sbin/nologin\n"
GROUP = f"root:x:0:\nnonroot:x:{NONROOT}:\n"

OCI = "application/vnd.oci.image."
# `e_machine` of the ELF header.
ARCHITECTURES = {62: "amd64", 183: "arm64"}
# The type of the program header that names a dynamic linker.
PT_INTERP = 3


def architecture(program: bytes) -> str:
    """Returns the architecture of a static Linux program."""
    if program[:6] != b"\x7fELF\x02\x01":
        raise ValueError("it is not a 64-bit little-endian ELF program")
    machine = struct.unpack_from("<H", program, 18)[0]
    if machine not in ARCHITECTURES:
        raise ValueError(f"its machine {machine} is neither amd64 nor arm64")
    (offset,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    types = (struct.unpack_from("<I", program, offset + size * i)[0] for i in range(count))
    if PT_INTERP in types:
        raise ValueError("it is not static: an image without a C library cannot run it")
    return ARCHITECTURES[machine]


def archive(files: dict[str, tuple[int, bytes]], created: int) -> bytes:
    """Packs files, and the directories above them, in the order of their names."""
    names = set(files)
    for name in files:
        names.update(str(parent) for parent in pathlib.PurePosixPath(name).parents)
    names.discard(".")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(names):
            info = tarfile.TarInfo(name)
            info.mtime = created
            mode, content = files.get(name, (0o755, b""))
            info.mode = mode
            info.size = len(content)
            if name not in files:
                info.type = tarfile.DIRTYPE
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def gzip(content: bytes) -> bytes:
    """Wraps a layer as gzip, but without compression.

    Compressors differ between machines, and the digest with them. Some tools read a
    layer only as gzip.
    """
    most = 0xFFFF
    out = [b"\x1f\x8b\x08" + bytes(6) + b"\xff"]
    for start in range(0, len(content), most):
        block = content[start : start + most]
        is_last = start + most >= len(content)
        out += [struct.pack("<BHH", is_last, len(block), len(block) ^ most), block]
    out.append(struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF))
    return b"".join(out)


class Layout:
    """The files of an OCI image layout."""

    def __init__(self) -> None:
        version = self.json({"imageLayoutVersion": "1.0.0"})
        self.files: dict[str, tuple[int, bytes]] = {"oci-layout": (0o644, version)}

    @staticmethod
    def json(value: object) -> bytes:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    def blob(self, kind: str, content: bytes) -> dict:
        """Adds a blob and returns its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = (0o644, content)
        return {"mediaType": OCI + kind, "digest": f"sha256:{digest}", "size": len(content)}

    def write(self, path: pathlib.Path, created: int) -> None:
        """Writes the layout as a directory, and as an archive beside it."""
        shutil.rmtree(path, ignore_errors=True)
        for name, (_, content) in self.files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        path.with_suffix(".tar").write_bytes(archive(self.files, created))


def image(layout: Layout, options: argparse.Namespace, program: bytes, roots: bytes) -> dict:
    """Adds the image to a layout. Returns the descriptor of its manifest."""
    description, arguments = PROGRAMS[options.program]
    time = datetime.datetime.fromtimestamp(options.created, datetime.timezone.utc)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.description": description,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.revision": options.revision,
        "org.opencontainers.image.source": SOURCE,
        "org.opencontainers.image.title": options.program,
        "org.opencontainers.image.version": options.version,
    }
    platform = {"architecture": architecture(program), "os": "linux"}
    if platform["architecture"] == "arm64":
        platform["variant"] = "v8"
    root = {
        options.program: (0o755, program),
        "etc/ssl/certs/ca-certificates.crt": (0o644, roots),
        "etc/passwd": (0o644, PASSWD.encode()),
        "etc/group": (0o644, GROUP.encode()),
    }
    content = archive(root, options.created)
    layer = layout.blob("layer.v1.tar+gzip", gzip(content))
    config = platform | {
        "created": created,
        "config": {
            "User": f"{NONROOT}:{NONROOT}",
            "Entrypoint": [f"/{options.program}"],
            "Cmd": arguments,
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"],
        },
        "history": [{"created": created, "created_by": "release/image.sh"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI + "manifest.v1+json",
        "config": layout.blob("config.v1+json", layout.json(config)),
        "layers": [layer],
        "annotations": labels,
    }
    return layout.blob("manifest.v1+json", layout.json(manifest)) | {"platform": platform}


def read(path: pathlib.Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        sys.exit(f"oci.py: the {what} cannot be read: {error}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, choices=PROGRAMS)
    for name in ["binary", "roots", "directory"]:
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    for name in ["version", "revision"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--created", required=True, type=int, help="seconds since 1970")
    options = parser.parse_args()
    roots = read(options.roots, "CA roots")
    if b"-----BEGIN CERTIFICATE-----" not in roots:
        sys.exit(f"oci.py: {options.roots} has no certificate")
    layout = Layout()
    try:
        manifest = image(layout, options, read(options.binary, "binary"), roots)
    except (ValueError, struct.error) as error:
        sys.exit(f"oci.py: {options.binary} cannot be packed: {error}")
    tag = {"org.opencontainers.image.ref.name": f"v{options.version}"}
    index = {
        "schemaVersion": 2,
        "mediaType": OCI + "index.v1+json",
        "manifests": [manifest | {"annotations": tag}],
    }
    layout.files["index.json"] = (0o644, layout.json(index))
    name = f"{options.program}-v{options.version}-linux-{manifest['platform']['architecture']}"
    layout.write(options.directory / f"{name}.oci", options.created)
    (options.directory / f"{name}.digest").write_text(manifest["digest"] + "\n")
    print(name)


main()
