//! Other programs, to be measured beside.

use std::path::PathBuf;
use std::process::Command;

pub const SOPS: &str = "github.com/getsops/sops/v3/cmd/sops@v3.13.2";

/// A peer, built with Go into a cache folder where it is not on PATH.
pub fn built(name: &str, module: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache"));
    let folder =
        cache.join("kubectl-envcrypt/peers").join(module.rsplit('@').next().expect("a version"));
    let program = folder.join(name);
    if !program.exists() {
        println!("building {module}: some minutes, once");
        let status = Command::new("go").args(["install", module]).env("GOBIN", &folder).status();
        assert!(status.expect("go starts").success());
    }
    program
}
