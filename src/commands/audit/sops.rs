//! Values that SOPS encrypted. SOPS does not name the data key of a file. But a value that stays
//! the same keeps its bytes, so two versions of a file with such a value have the same data key.

use std::ffi::OsStr;
use std::path::Path;

use memchr::memmem;
use sha2::{Digest as _, Sha256};

use super::ledger::{Digest, Item};
use envcrypt_core::kek::KekUri;
use envcrypt_peers::sops::File;

/// The start of an encrypted value.
const START: &str = "ENC[AES256_GCM,";
/// The start of one that SOPS wrote.
const VALUE: &str = "ENC[AES256_GCM,data:";

/// A text with encrypted values that cannot be read.
#[derive(Debug)]
pub struct Unreadable;

/// A file under SOPS.
pub struct Encrypted {
    /// The keys that open it, or parts of it.
    pub keks: Vec<KekUri>,
    pub leaves: Vec<Leaf>,
}

/// One encrypted value.
pub struct Leaf {
    pub item: Item,
    pub digest: Digest,
    pub line: usize,
}

/// Reads a text, if it is one that SOPS encrypted.
pub fn read(text: &str, path: &Path) -> Result<Option<Encrypted>, Unreadable> {
    if memmem::find(text.as_bytes(), START.as_bytes()).is_none() {
        return Ok(None);
    }
    let file = match File::read(text) {
        Ok(Some(file)) => file,
        // A value in a form that is not read, such as dotenv.
        Ok(None) | Err(_) if memmem::find(text.as_bytes(), VALUE.as_bytes()).is_some() => {
            return Err(Unreadable);
        }
        _ => return Ok(None),
    };
    let parts = file.parts();
    let keks = parts.iter().flat_map(|part| part.metadata.keks()).collect();
    let names: Vec<_> = parts.iter().flat_map(|part| file.names(part)).collect();
    let place = match &names[..] {
        [named] if named.name.is_some() => {
            let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
            format!("{}/{}", part(&named.namespace), part(&named.name))
        }
        // Its name is encrypted, or there are several.
        _ => format!("*/{}", path.file_name().unwrap_or(OsStr::new("*")).to_string_lossy()),
    };
    Ok(Some(Encrypted { keks, leaves: leaves(text, &place) }))
}

/// Every encrypted value, except the MAC, which changes with every version, and comments.
fn leaves(text: &str, place: &str) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut end = 0;
        while let Some(at) = line[end..].find(START).map(|at| end + at) {
            // Nothing is read twice, whatever the line has.
            let Some(size) = line[at..].find(']') else { break };
            end = at + size + 1;
            let value = &line[at..end];
            let key = key(&line[..at]);
            if key == "mac" || value.ends_with("type:comment]") {
                continue;
            }
            let hash = Sha256::digest(value);
            leaves.push(Leaf {
                item: Item { place: place.to_owned(), key: key.to_owned() },
                digest: std::array::from_fn(|at| hash[at]),
                line: index + 1,
            });
        }
    }
    leaves
}

/// The key in the text before a value.
fn key(before: &str) -> &str {
    let text = before.trim_end_matches([' ', '"', '\'', ':', '-', '|', '>']);
    let start = text.rfind(['{', ',', ' ', '"', '\'', '\t']).map_or(0, |at| at + 1);
    match &text[start..] {
        "" => "*",
        key => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_line_takes_no_longer_than_its_size() {
        let started = std::time::Instant::now();
        for part in [START.to_owned(), format!("{START}]"), format!("{START} - ")] {
            let line = part.repeat((4 << 20) / part.len());
            assert!(leaves(&line, "x").len() <= line.len());
            assert!(leaves(&format!("{line}]"), "x").len() <= line.len());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    const META: &str = "sops:\n    age:\n        - recipient: age1abc\n          enc: x\n    lastmodified: \"2026-11-27T20:53:12Z\"\n    mac: ENC[AES256_GCM,data:m,iv:i,tag:t,type:str]\n    version: 3.13.2\n";

    #[test]
    fn every_value_has_its_place_and_its_line_and_the_mac_is_none() {
        let value = "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]";
        let secret = format!(
            "kind: Secret\nmetadata:\n    name: db\n    namespace: prod\nstringData:\n    user: {value}\n    list:\n        - {value}\n    #ENC[AES256_GCM,data:a,iv:b,tag:c,type:comment]\n{META}"
        );
        let found = read(&secret, Path::new("a/db.yaml")).expect("read").expect("SOPS");
        assert_eq!(found.keks.iter().map(KekUri::as_str).collect::<Vec<_>>(), ["age:age1abc"]);
        let shown: Vec<_> = found
            .leaves
            .iter()
            .map(|leaf| format!("{} {} {}", leaf.item.place, leaf.item.key, leaf.line))
            .collect();
        assert_eq!(shown, ["prod/db user 6", "prod/db * 8"]);
        let json = format!(
            r#"{{"a":"{value}","b":{{"c": "{value}"}},"sops":{{"age":[{{"recipient":"age1abc","enc":"x"}}],"lastmodified":"2026-11-27T20:53:12Z","mac":"{value}"}}}}"#
        );
        let found = read(&json, Path::new("x/values.json")).expect("read").expect("SOPS");
        let shown: Vec<_> = found
            .leaves
            .iter()
            .map(|leaf| format!("{} {}", leaf.item.place, leaf.item.key))
            .collect();
        assert_eq!(shown, ["*/values.json a", "*/values.json c"]);
        assert!(read("kind: Secret", Path::new("x")).expect("read").is_none());
        assert!(read("# ENC[AES256_GCM,…]", Path::new("x")).expect("read").is_none());
        // A dotenv file is not read, but it is not passed over either.
        assert!(read(&format!("a={value}\nsops_mac={value}\n"), Path::new(".env")).is_err());
    }
}
