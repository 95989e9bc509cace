//! The direction of imports inside `src/`. Between crates the compiler holds it;
//! between the directories of one crate this test does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// From the ground up: a room imports its own and those before it, and no other.
const ROOMS: [&str; 16] = [
    "process",
    "files",
    "terminal",
    "config",
    "cluster",
    "failure",
    "session",
    "candidates",
    "values",
    "select",
    "access",
    "restart",
    "batch",
    "commands",
    "cli",
    "main",
];

#[test]
fn imports_point_one_way() {
    let mut wrong = BTreeSet::new();
    let sources = sources(Path::new("src"));
    assert!(sources.len() > 60, "{sources:?}");
    for path in sources {
        let room = room_of(&path);
        let floor = ROOMS.iter().position(|known| *known == room);
        let floor = floor.unwrap_or_else(|| panic!("`{room}` has no floor: name it in ROOMS"));
        let text = std::fs::read_to_string(&path).expect("text");
        for (_, rest) in
            text.match_indices("crate::").map(|(at, found)| text[at..].split_at(found.len()))
        {
            let used: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let allowed = ROOMS[..=floor].contains(&used.as_str());
            if !allowed {
                wrong.insert(format!("{} imports `{used}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Commands know nothing of each other: what two of them need has a room of its own.
#[test]
fn no_command_imports_another() {
    for path in sources(Path::new("src/commands")) {
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(!text.contains("crate::commands"), "{}", path.display());
    }
}

/// The library has no command line, no terminal and no cluster.
#[test]
fn the_library_stands_alone() {
    let manifest = std::fs::read_to_string("crates/core/Cargo.toml").expect("there");
    for package in ["clap", "dialoguer", "rpassword", "indicatif", "kube", "k8s-openapi", "nix"] {
        assert!(!manifest.contains(&format!("\n{package}")), "{package}");
    }
    for path in sources(Path::new("crates/core/src")) {
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(
            !text.contains("process::exit") && !text.contains("eprintln"),
            "{}",
            path.display()
        );
    }
}

fn room_of(path: &Path) -> String {
    let inner = path.strip_prefix("src").expect("below src");
    let first = inner.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
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
