//! Where the servers' programs are.

use std::path::PathBuf;

/// A program: of `KUBEBUILDER_ASSETS`, of what `build.sh` built, or on PATH.
pub fn find(name: &str) -> PathBuf {
    let folders = [
        std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from),
        built().map(|folder| folder.join("bin")),
        built().map(|folder| folder.join("venv/bin")),
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.into_iter().flatten().chain(std::env::split_paths(&path));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("`{name}` is needed for this test: `make test` builds it, and so does tests/servers/build.sh")
    })
}

/// The folder that `build.sh` made.
pub fn built() -> Option<PathBuf> {
    std::env::var_os("ENVCRYPT_TEST_SERVERS").map(PathBuf::from)
}
