//! Values that SOPS encrypted. SOPS does not name the data key of a file. But a value that stays
//! the same keeps its bytes, so two versions of a file with such a value have the same data key.

use std::ffi::OsStr;
use std::path::Path;

use memchr::memmem;
use sha2::{Digest as _, Sha256};

use super::ledger::{Digest, Item};
use envcrypt_core::kek::KekUri;
use envcrypt_peers::sops::{File, SopsError};

/// The start of an encrypted value.
const START: &str = "ENC[AES256_GCM,";

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
pub fn read(text: &str, path: &Path) -> Result<Option<Encrypted>, SopsError> {
    if memmem::find(text.as_bytes(), START.as_bytes()).is_none() {
        return Ok(None);
    }
    let Some(file) = File::read(text)? else { return Ok(None) };
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
        for (at, _) in line.match_indices(START) {
            let Some(size) = line[at..].find(']') else { continue };
            let value = &line[at..=at + size];
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
    }
}
