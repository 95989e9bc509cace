//! What encrypted the documents of a text.

use envcrypt_core::manifest::may_have_words;
use envcrypt_core::manifest::tree::{self, TreeError};

use crate::sealed_secrets;
use crate::sops::{self, Metadata, MetadataError};

/// What encrypted a document.
pub enum Encryption {
    /// SOPS, with what its metadata says. An error if the metadata cannot be read.
    Sops(Result<Box<Metadata>, MetadataError>),
    /// The document is a SealedSecret, which only the keys of its controller open.
    SealedSecret,
}

/// A document that another program encrypted.
pub struct Found {
    /// The document, counted from 0. An empty document counts.
    pub document: usize,
    /// The line where it begins, counted from 1.
    pub line: u32,
    /// What encrypted it.
    pub by: Encryption,
}

/// Returns whether a text may be one that another program encrypted. It is fast and never misses one.
#[must_use]
pub fn may_mention(bytes: &[u8]) -> bool {
    may_have_words(bytes, &["sops", "SealedSecret"])
}

/// Finds each document of YAML or JSON that SOPS or Sealed Secrets encrypted. A SealedSecret in a
/// `List` counts too.
///
/// # Errors
/// Returns a [`TreeError`] if the text is not valid YAML or JSON.
pub fn survey(text: &str) -> Result<Vec<Found>, TreeError> {
    let mut found = Vec::new();
    for (document, node) in tree::read(text)?.iter().enumerate() {
        let line = node.start.line;
        if let Some(sops) = sops::metadata_of(node) {
            let by = Encryption::Sops(Metadata::of_node(sops).map(Box::new));
            found.push(Found { document, line, by });
            continue;
        }
        let sealed = sealed_secrets::all_in(node).into_iter();
        found.extend(sealed.map(|(node, _)| {
            let line = node.start.line;
            Found { document, line, by: Encryption::SealedSecret }
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOPS: &str = "sops:\n  age: [{recipient: age1abc, enc: x}]\n  kms: [{arn: 'arn:aws:kms:eu-west-1:1:key/a', enc: x}]\n  lastmodified: '2026-11-27T20:53:12Z'\n  mac: ENC[x]\n";

    #[test]
    fn each_document_tells_what_encrypted_it() {
        let text = format!(
            "kind: ConfigMap\n---\nkind: Secret\n{SOPS}---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n---\nkind: Secret\nsops: {{mac: x}}\n---\nsops: {{image: x}}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: bitnami.com/v1alpha1\n  kind: SealedSecret\n"
        );
        assert!(may_mention(text.as_bytes()) && !may_mention(b"kind: Secret"));
        let found = survey(&text).expect("YAML");
        let shown = found.iter().map(|found| {
            let by = match &found.by {
                Encryption::Sops(Ok(metadata)) => {
                    metadata.keks().map(|kek| kek.to_string()).collect::<Vec<_>>().join(" ")
                }
                Encryption::Sops(Err(error)) => error.to_string(),
                Encryption::SealedSecret => "a SealedSecret".to_owned(),
            };
            format!("{}:{} {by}", found.document, found.line)
        });
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                "1:3 awskms:///arn:aws:kms:eu-west-1:1:key/a age:age1abc",
                "2:10 a SealedSecret",
                "3:13 the `sops` metadata is missing `key_groups`, or it is not valid",
                "5:21 a SealedSecret",
            ]
        );
    }
}
