//! The direction of imports inside `src/`. Between crates the compiler holds it;
//! between the directories of one crate this test does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// From the ground up: a room of the plugin imports its own and those before it, and no other.
const PLUGIN: [&str; 27] = [
    "process",
    "files",
    "terminal",
    "config",
    "etcd",
    "git",
    "policy",
    "failure",
    "pins",
    "session",
    "signers",
    "author",
    "ages",
    "candidates",
    "values",
    "select",
    "access",
    "guard",
    "peers",
    "scan",
    "history",
    "restart",
    "batch",
    "merge",
    "commands",
    "cli",
    "main",
];

/// The same of the library.
const LIBRARY: [&str; 8] =
    ["signature", "secret", "kek", "seed", "envelope", "manifest", "access", "lib"];

/// The same of the KMS plugin.
const KMS: [&str; 11] = [
    "config", "metrics", "calls", "peers", "engine", "server", "failure", "http", "commands",
    "cli", "main",
];

/// The same of the library for encryption at rest.
const AT_REST: [&str; 8] =
    ["bolt", "proto", "etcd", "stored", "residue", "config", "deploy", "lib"];

/// The same of the client of the cluster.
const CLUSTER: [&str; 18] = [
    "error",
    "lib",
    "answer",
    "resources",
    "listing",
    "server",
    "connect",
    "identity",
    "servers",
    "storage",
    "workloads",
    "replace",
    "live",
    "targets",
    "notes",
    "watch",
    "lease",
    "opted_in",
];

/// The same of the controller.
const CONTROLLER: [&str; 19] = [
    "outcome",
    "pause",
    "lists",
    "status",
    "signers",
    "rules",
    "sealing",
    "metrics",
    "health",
    "opener",
    "target",
    "fingerprint",
    "index",
    "queue",
    "deliver",
    "restart",
    "follow",
    "cli",
    "main",
];

/// The same of what servers have in common.
const DAEMON: [&str; 4] = ["failure", "health", "process", "lib"];

/// The same of the formats of SOPS and Sealed Secrets.
const PEERS: [&str; 4] = ["sops", "sealed_secrets", "survey", "lib"];

#[test]
fn imports_point_one_way() {
    let mut wrong = BTreeSet::new();
    for (root, rooms) in [
        ("src", &PLUGIN[..]),
        ("crates/core/src", &LIBRARY[..]),
        ("crates/cluster/src", &CLUSTER[..]),
        ("crates/controller/src", &CONTROLLER[..]),
        ("crates/daemon/src", &DAEMON[..]),
        ("crates/kms/src", &KMS[..]),
        ("crates/at-rest/src", &AT_REST[..]),
        ("crates/peers/src", &PEERS[..]),
    ] {
        let sources = sources(Path::new(root));
        assert!(sources.len() > 3, "{sources:?}");
        for path in sources {
            let module = module_of(&path, Path::new(root));
            let floor = rooms.iter().position(|room| *room == module[0]);
            let floor = floor.unwrap_or_else(|| panic!("`{}` has no floor: name it", module[0]));
            for used in used(&path, &module) {
                if !rooms[..=floor].contains(&used.as_str()) {
                    wrong.insert(format!("{} uses `{used}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The rooms that a file names, by `crate::` or by `super::`.
fn used(path: &Path, module: &[String]) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("text");
    assert!(!text.contains("crate::{"), "{}: one room in each `use`", path.display());
    let word = |rest: &str| -> String {
        let word: String =
            rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        // A type of the root.
        if word.is_empty() { "lib".to_owned() } else { word }
    };
    let mut used: Vec<String> =
        text.match_indices("crate::").map(|(at, found)| word(&text[at + found.len()..])).collect();
    // `super::` from a module of a room's own directory stays in the room, one more leads out.
    let out = "super::".repeat(module.len());
    for (at, _) in text.match_indices(&out) {
        let is_start = !text[..at].ends_with("super::");
        let rest = &text[at + out.len()..];
        // In the tests of a file, `super` is the file itself.
        let is_test = text[..at].contains("mod tests {");
        if is_start && !is_test {
            used.push(word(rest.trim_start_matches("super::")));
        }
    }
    used
}

/// The path of a file's module, without the crate.
fn module_of(path: &Path, root: &Path) -> Vec<String> {
    let inner = path.strip_prefix(root).expect("below the root").with_extension("");
    inner.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

/// Commands know nothing of each other: what two of them need has a room of its own.
#[test]
fn no_command_imports_another() {
    for path in sources(Path::new("src/commands")) {
        let text = std::fs::read_to_string(&path).expect("text");
        let depth = path.components().count() - 2;
        assert!(!text.contains("crate::commands"), "{}", path.display());
        let tests = text.split("mod tests {").next().unwrap_or_default();
        assert!(!tests.contains(&"super::".repeat(depth)), "{}", path.display());
    }
}

/// The library has no command line, no terminal and no cluster.
#[test]
fn the_library_stands_alone() {
    let manifest = std::fs::read_to_string("crates/core/Cargo.toml").expect("there");
    for package in ["clap", "dialoguer", "rpassword", "indicatif", "kube", "k8s-openapi", "nix"] {
        assert!(!manifest.contains(&format!("\n{package}")), "{package}");
        assert!(!manifest.contains(&format!("dependencies.{package}")), "{package}");
    }
    for path in sources(Path::new("crates/core/src")) {
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(
            !["process::exit", "process::abort", "println!"].iter().any(|word| text.contains(word)),
            "{}",
            path.display()
        );
    }
}

/// What runs on a control plane knows no cluster and prompts nobody.
#[test]
fn the_kms_plugin_has_no_client_of_the_cluster() {
    let manifest = std::fs::read_to_string("crates/kms/Cargo.toml").expect("there");
    for package in
        ["dialoguer", "rpassword", "indicatif", "kube", "k8s-openapi", "envcrypt-at-rest"]
    {
        assert!(!manifest.contains(&format!("\n{package}")), "{package}");
    }
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join(directory)).expect("a directory").flatten() {
        let path = directory.join(entry.file_name());
        match entry.path().is_dir() {
            true => found.append(&mut sources(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
    found
}
