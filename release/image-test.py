"""Tests image.sh with a small static program, or with the BINARY that is given.

    release/image-test.py [BINARY]

Without a BINARY, it needs Go, which builds one for each architecture. A BINARY is tested as
envcrypt-controller if that is its name, and as envcrypt-kms otherwise.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

RELEASE = pathlib.Path(__file__).resolve().parent
EPOCH = 1_700_000_000
ROOTS = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
# It prints the name under which it runs, and a version.
GO = """package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() { fmt.Println(filepath.Base(os.Args[0]), "0.0.0") }
"""
GIVEN = None


def build(directory: pathlib.Path, arch: str) -> pathlib.Path:
    (directory / "main.go").write_text(GO)
    binary = directory / arch
    environment = os.environ | {"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": arch}
    command = ["go", "build", "-ldflags", "-s -w", "-o", binary, directory / "main.go"]
    subprocess.run(command, env=environment, check=True)
    return binary


class Image(unittest.TestCase):
    """The image of envcrypt-kms, made once."""

    program = "envcrypt-kms"
    arguments = ["serve"]

    @classmethod
    def setUpClass(cls) -> None:
        is_controller = GIVEN and GIVEN.name == "envcrypt-controller"
        if GIVEN and is_controller != (cls.program == "envcrypt-controller"):
            raise unittest.SkipTest("another binary is given")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = pathlib.Path(folder.name)
        cls.roots = cls.work / "roots.pem"
        cls.roots.write_text(ROOTS)
        cls.sbom = cls.work / "sbom.json"
        cls.sbom.write_text("{}\n")
        cls.binary = GIVEN or build(cls.work, "amd64")
        cls.made = cls.work / "made"
        cls.name = cls.pack(cls.binary, cls.made)
        cls.layout = cls.made / f"{cls.name}.oci"

    @classmethod
    def run_script(cls, binary: pathlib.Path, made: pathlib.Path) -> subprocess.CompletedProcess:
        environment = os.environ | {
            "SOURCE_DATE_EPOCH": str(EPOCH),
            "CA_ROOTS": str(cls.roots),
            "SBOM": str(cls.sbom),
        }
        command = [RELEASE / "image.sh"]
        # It is the default.
        if cls.program != "envcrypt-kms":
            command += ["--program", cls.program]
        command += [binary, made]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    @classmethod
    def pack(cls, binary: pathlib.Path, made: pathlib.Path) -> str:
        run = cls.run_script(binary, made)
        assert run.returncode == 0, run.stderr
        return pathlib.Path(run.stdout.splitlines()[0]).stem

    def blob(self, descriptor: dict) -> bytes:
        content = (self.layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self.assertEqual(descriptor["digest"], f"sha256:{digest}")
        self.assertEqual(descriptor["size"], len(content))
        return content

    def manifest(self) -> dict:
        index = json.loads((self.layout / "index.json").read_bytes())
        self.assertEqual(len(index["manifests"]), 1)
        return json.loads(self.blob(index["manifests"][0]))

    def config(self) -> dict:
        return json.loads(self.blob(self.manifest()["config"]))

    def layer(self) -> tarfile.TarFile:
        (layer,) = self.manifest()["layers"]
        self.assertEqual(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip")
        content = gzip.decompress(self.blob(layer))
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.assertEqual(self.config()["rootfs"], {"type": "layers", "diff_ids": [digest]})
        return tarfile.open(fileobj=io.BytesIO(content))

    def test_the_digest_file_is_the_digest_of_the_manifest(self) -> None:
        index = json.loads((self.layout / "index.json").read_bytes())
        manifest = self.blob(index["manifests"][0])
        digest = (self.made / f"{self.name}.digest").read_text()
        self.assertEqual(digest, f"sha256:{hashlib.sha256(manifest).hexdigest()}\n")
        self.assertTrue((self.made / f"{self.name}.sbom.json").exists())

    def test_every_blob_has_its_digest_as_its_name_and_is_used(self) -> None:
        manifest = self.manifest()
        self.config()
        self.layer()
        index = json.loads((self.layout / "index.json").read_bytes())
        used = index["manifests"] + [manifest["config"]] + manifest["layers"]
        names = {path.name for path in (self.layout / "blobs/sha256").iterdir()}
        self.assertEqual(names, {entry["digest"].removeprefix("sha256:") for entry in used})

    def test_the_configuration_runs_the_server_without_root(self) -> None:
        config = self.config()
        self.assertEqual(config["config"]["User"], "65532:65532")
        self.assertEqual(config["config"]["Entrypoint"], [f"/{self.program}"])
        self.assertEqual(config["config"]["Cmd"], self.arguments)
        self.assertEqual(config["os"], "linux")
        self.assertEqual(config["created"], "2023-11-14T22:13:20Z")
        labels = config["config"]["Labels"]
        self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")
        self.assertEqual(labels["org.opencontainers.image.created"], config["created"])
        self.assertEqual(labels["org.opencontainers.image.title"], self.program)
        self.assertTrue(self.name.startswith(f"{self.program}-v"), self.name)

    def test_the_layer_has_four_files_of_root(self) -> None:
        entries = self.layer().getmembers()
        files = {entry.name: entry.mode for entry in entries if entry.isfile()}
        self.assertEqual(
            files,
            {
                self.program: 0o755,
                "etc/group": 0o644,
                "etc/passwd": 0o644,
                "etc/ssl/certs/ca-certificates.crt": 0o644,
            },
        )
        for entry in entries:
            self.assertEqual((entry.uid, entry.gid, entry.mtime), (0, 0, EPOCH), entry.name)
            self.assertTrue(entry.isfile() or entry.isdir() and entry.mode == 0o755, entry.name)
        names = [entry.name for entry in entries]
        self.assertEqual(names, sorted(names))
        self.assertEqual(self.layer().extractfile(self.program).read(), self.binary.read_bytes())
        passwd = self.layer().extractfile("etc/passwd").read().decode()
        self.assertIn("nonroot:x:65532:65532:", passwd)

    def test_the_archive_is_the_directory(self) -> None:
        with tarfile.open(self.made / f"{self.name}.tar") as tar:
            entries = tar.getmembers()
            packed = {e.name: tar.extractfile(e).read() for e in entries if e.isfile()}
        for entry in entries:
            self.assertEqual((entry.uid, entry.gid, entry.mtime), (0, 0, EPOCH), entry.name)
        paths = [path for path in self.layout.rglob("*") if path.is_file()]
        files = {str(path.relative_to(self.layout)): path.read_bytes() for path in paths}
        self.assertEqual(packed, files)

    def test_the_same_input_gives_the_same_bytes(self) -> None:
        # Neither the time, the mode nor the name of the input counts.
        copy = self.work / "copy"
        shutil.copyfile(self.binary, copy)
        os.utime(copy, (1, 1))
        umask = os.umask(0o077)
        try:
            again = self.work / "again"
            self.pack(copy, again)
        finally:
            os.umask(umask)
        for suffix in [".tar", ".digest"]:
            first = (self.made / (self.name + suffix)).read_bytes()
            self.assertEqual(first, (again / (self.name + suffix)).read_bytes(), suffix)

    def test_the_program_says_for_which_architecture_it_is(self) -> None:
        if GIVEN:
            self.skipTest("a binary is given")
        name = self.pack(build(self.work, "arm64"), self.work / "arm64-made")
        self.assertTrue(name.endswith("-linux-arm64"), name)

    def test_a_program_that_is_not_static_is_refused(self) -> None:
        wrong = {self.roots: "not a 64-bit little-endian ELF program"}
        if sys.platform == "linux":
            wrong[pathlib.Path(sys.executable).resolve()] = "not static"
        for path, why in wrong.items():
            run = self.run_script(path, self.work / "refused")
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(why, run.stderr)

    def test_the_program_runs_with_nothing_but_the_layer(self) -> None:
        root = self.work / "root"
        layer = self.layer()
        for entry in layer.getmembers():
            path = root / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.isfile():
                path.write_bytes(layer.extractfile(entry).read())
                path.chmod(entry.mode)
        command = ["chroot", root, f"/{self.program}", "--version"]
        if os.geteuid() != 0:
            command = ["unshare", "-r", *command]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        try:
            run = subprocess.run(command, capture_output=True, text=True, env=environment)
        except FileNotFoundError as error:
            self.skipTest(str(error))
        # Some machines do not allow a user namespace.
        if run.stderr.startswith("unshare:"):
            self.skipTest(run.stderr.strip())
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(run.stdout.startswith(f"{self.program} "), run.stdout)

    def test_another_program_has_no_image(self) -> None:
        command = [RELEASE / "image.sh", "--program", "sh", self.binary, self.work / "refused"]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("there is no image of sh", run.stderr)


class Controller(Image):
    """The image of envcrypt-controller."""

    program = "envcrypt-controller"
    arguments = []


if __name__ == "__main__":
    if len(sys.argv) > 1:
        GIVEN = pathlib.Path(sys.argv.pop()).resolve()
    unittest.main(verbosity=2)
