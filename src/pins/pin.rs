//! What is pinned of one repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::without_dots;
use envcrypt_core::signature::Signers;

/// What is pinned of one repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Its top, for people.
    pub repository: String,
    /// Its first commits: another copy of it has them, too.
    pub roots: BTreeSet<String>,
    /// The directory with its objects, which all of its worktrees share. Empty without Git.
    #[serde(default)]
    pub git: String,
    /// The URL that it was cloned from, if Git knows it.
    #[serde(default)]
    pub origin: String,
    /// What the rules of a directory say about signatures. Empty if they ask for none.
    pub rules: BTreeMap<String, Vec<String>>,
    /// The texts of the lists, with lines that end as in Unix.
    pub lists: BTreeMap<String, String>,
    /// What is known of earlier texts of the lists. It stays when a list is gone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub past: BTreeMap<String, Past>,
}

/// The earlier texts of a list, which may not come back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// The greatest serial.
    serial: Option<u64>,
    /// SHA-256 of each text, in hexadecimal digits.
    texts: BTreeSet<String>,
}

impl Pin {
    /// Whether nothing is pinned.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.lists.is_empty()
    }

    /// Whether this is a copy of the same repository: a clone, another worktree, or what the other
    /// one was cloned from.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        let is_same = |one: &str, other: &str| !one.is_empty() && one == other;
        let came_from = |one: &Self, other: &Self| {
            is_same(&one.origin, &other.git) || is_same(&one.origin, &other.repository)
        };
        !self.roots.is_disjoint(&other.roots)
            || is_same(&self.git, &other.git)
            || is_same(&self.origin, &other.origin)
            || came_from(self, other)
            || came_from(other, self)
    }

    /// Takes over what shows that another pin is of a copy of this repository.
    pub fn recognize_by(&mut self, traces: &Self) {
        self.roots.extend(traces.roots.iter().cloned());
        for (known, new) in [(&mut self.git, &traces.git), (&mut self.origin, &traces.origin)] {
            if !new.is_empty() {
                known.clone_from(new);
            }
        }
    }

    /// Adds what is not pinned yet, and leaves everything else.
    pub fn add_new(&mut self, other: Self) {
        self.recognize_by(&other);
        for (directory, rules) in other.rules {
            self.rules.entry(directory).or_insert(rules);
        }
        for (list, text) in other.lists {
            self.lists.entry(list).or_insert(text);
        }
    }

    /// Pins another text of a list; `None` if the list is gone. The old one is remembered.
    pub fn replace(&mut self, list: &str, text: Option<String>) {
        let new = text.clone();
        let old = match text {
            Some(text) => self.lists.insert(list.to_owned(), text),
            None => self.lists.remove(list),
        };
        if let Some(old) = old.filter(|old| Some(old) != new.as_ref()) {
            let past = self.past.entry(list.to_owned()).or_default();
            let serial = Signers::parse(&old).ok().and_then(|signers| signers.serial());
            past.serial = past.serial.max(serial);
            past.texts.insert(digest(&old));
        }
    }

    /// The greatest serial of the earlier texts of a list.
    pub fn seen(&self, list: &str) -> Option<u64> {
        self.past.get(list).and_then(|past| past.serial)
    }

    /// Keeps the greatest serials of another copy, too.
    pub fn keep_serials(&mut self, other: &Self) {
        let lists = other.past.keys().chain(other.lists.keys());
        for list in lists {
            let text = other.lists.get(list).and_then(|text| Signers::parse(text).ok());
            let serial = other.seen(list).max(text.and_then(|signers| signers.serial()));
            let past = self.past.entry(list.clone()).or_default();
            past.serial = past.serial.max(serial);
        }
    }

    /// Whether another list has the same ID, so that its signed text could be taken for this one.
    pub fn is_shared(&self, list: &str, id: Option<&str>) -> bool {
        let has_id = |text: &String| {
            id.is_some() && Signers::parse(text).is_ok_and(|signers| signers.id() == id)
        };
        let mut others = self
            .lists
            .iter()
            .filter(|(other, _)| without_dots(Path::new(other)) != without_dots(Path::new(list)));
        others.any(|(_, text)| has_id(text))
    }

    /// Whether this pin was once like the other one, and its lists are later versions.
    pub fn is_successor(&self, other: &Self) -> bool {
        let is_later = |(list, old): (&String, &String)| {
            let Some(new) = self.lists.get(list) else { return false };
            if new == old {
                return true;
            }
            let was_here = self.past.get(list).is_some_and(|p| p.texts.contains(&digest(old)));
            let (Ok(new), Ok(old)) = (Signers::parse(new), Signers::parse(old)) else {
                return false;
            };
            let is_same_list = new.id().is_some() && new.id() == old.id();
            was_here && is_same_list && old.serial().is_some() && new.serial() > old.serial()
        };
        // Otherwise history from elsewhere could bring its own pin along.
        self.roots.is_superset(&other.roots)
            && self.rules == other.rules
            && self.lists.len() == other.lists.len()
            && other.lists.iter().all(is_later)
    }

    /// How many people any pinned rule asks for whose list has this name: so many must agree to a
    /// new list.
    pub fn needed(&self, list: &str) -> Option<usize> {
        let lines = self.rules.iter().flat_map(|(directory, lines)| {
            lines.iter().map(move |line| (Path::new(directory), line))
        });
        let number = |(directory, line): (&Path, &String)| {
            let rule: BTreeMap<String, String> = serde_json::from_str(line).ok()?;
            let name: PathBuf = Path::new(rule.get("signers")?).components().collect();
            let file: PathBuf = directory.join(escaped(&name)).components().collect();
            (file == Path::new(list)).then(|| rule.get("signatures")?.parse().ok()).flatten()
        };
        lines.filter_map(number).max()
    }

    /// Whether another copy of the repository has the same rules and lists.
    pub fn is_like(&self, other: &Self) -> bool {
        self.rules == other.rules && self.lists == other.lists
    }
}

/// The name of a file or directory in a pin, below the top: a path can have any bytes.
pub fn key(top: &Path, path: &Path) -> String {
    // Without `.` in it.
    let below: PathBuf = path.strip_prefix(top).unwrap_or(path).components().collect();
    escaped(&below)
}

/// The path with this name, below the top.
pub fn path_of(top: &Path, name: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let (mut bytes, mut rest) = (Vec::new(), name.as_bytes());
    while let [first, tail @ ..] = rest {
        let (byte, size) = match (first, tail) {
            (b'\\', [b'x', hex @ ..]) => {
                let digits = hex.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                byte.map_or((b'\\', 1), |byte| (byte, 4))
            }
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [other, ..]) => (*other, 2),
            (other, _) => (*other, 1),
        };
        bytes.push(byte);
        rest = &rest[size..];
    }
    let below = PathBuf::from(std::ffi::OsString::from_vec(bytes));
    if below.as_os_str().is_empty() { top.to_owned() } else { top.join(below) }
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(path: &Path) -> String {
    path.as_os_str().as_encoded_bytes().escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_that_asks_for_most_decides_who_may_change_a_list() {
        let line = |name: &str, number: usize| {
            format!("{{\"namespace\":\"prod\",\"signatures\":\"{number}\",\"signers\":\"{name}\"}}")
        };
        let rules = [
            ("", vec!["{\"namespace\":\"dev\"}".to_owned(), line("sub/./list", 3)]),
            ("sub", vec![line("list", 1), line("other", 9)]),
        ];
        let rules = rules.map(|(directory, lines)| (directory.to_owned(), lines));
        let pin = Pin { rules: rules.into(), ..Pin::default() };
        assert_eq!(pin.needed("sub/list"), Some(3));
        assert_eq!(pin.needed("sub/other"), Some(9));
        assert_eq!(pin.needed("list"), None);
        assert_eq!(key(Path::new("/a"), Path::new("/a/sub/./list")), "sub/list");
    }

    #[test]
    fn a_name_leads_back_to_its_path() {
        for path in ["/a", "/a/b", "/a/b c/m\u{fc}", "/a/b\n\\x41'\"\u{1}"] {
            let (top, path) = (Path::new("/a"), Path::new(path));
            assert_eq!(path_of(top, &key(top, path)), path);
        }
    }
}
