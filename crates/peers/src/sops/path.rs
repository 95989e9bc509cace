//! Which values of a file are encrypted, and the additional data of each.

use regex::{Regex, RegexBuilder};

use super::error::MetadataError;
use super::meta::Meta;

/// The largest regular expression, in bytes after it was compiled.
const MAX_REGEX: usize = 1 << 20;
/// The suffix of keys with plain values, if the metadata has no rule.
const DEFAULT_SUFFIX: &str = "_unencrypted";

/// The rule by which SOPS decides whether a value is encrypted. One component of the path is enough.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    UnencryptedSuffix(String),
    EncryptedSuffix(String),
    UnencryptedRegex(Regex),
    EncryptedRegex(Regex),
}

impl Rule {
    pub(super) fn of(meta: &Meta) -> Result<Self, MetadataError> {
        for name in ["encrypted_comment_regex", "unencrypted_comment_regex"] {
            if meta.text(name) != Some("") {
                return Err(MetadataError::CommentRule(name));
            }
        }
        let mut rules = Vec::new();
        for name in
            ["unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex"]
        {
            let text = meta.text(name).ok_or(MetadataError::Member(name))?;
            if !text.is_empty() {
                rules.push((name, text));
            }
        }
        Ok(match rules[..] {
            [] => Self::UnencryptedSuffix(DEFAULT_SUFFIX.to_owned()),
            [("unencrypted_suffix", text)] => Self::UnencryptedSuffix(text.to_owned()),
            [("encrypted_suffix", text)] => Self::EncryptedSuffix(text.to_owned()),
            [("unencrypted_regex", text)] => {
                Self::UnencryptedRegex(regex("unencrypted_regex", text)?)
            }
            [(_, text)] => Self::EncryptedRegex(regex("encrypted_regex", text)?),
            _ => return Err(MetadataError::Rules),
        })
    }

    /// Whether the value at this path is encrypted.
    pub(super) fn encrypts(&self, path: &[&str]) -> bool {
        let any = |matches: &dyn Fn(&str) -> bool| path.iter().any(|part| matches(part));
        match self {
            Self::UnencryptedSuffix(suffix) => !any(&|part| part.ends_with(suffix)),
            Self::EncryptedSuffix(suffix) => any(&|part| part.ends_with(suffix)),
            Self::UnencryptedRegex(regex) => !any(&|part| regex.is_match(part)),
            Self::EncryptedRegex(regex) => any(&|part| regex.is_match(part)),
        }
    }
}

fn regex(name: &'static str, text: &str) -> Result<Regex, MetadataError> {
    let regex = RegexBuilder::new(text).size_limit(MAX_REGEX).build();
    regex.map_err(|_| MetadataError::Regex(name))
}

/// The additional data of the value at a path.
pub(super) fn aad(path: &[&str]) -> String {
    let mut aad = path.join(":");
    aad.push(':');
    aad
}

/// The path for a message.
pub(super) fn shown(path: &[&str]) -> String {
    path.join(".").escape_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use envcrypt_core::manifest::tree;

    fn rule(text: &str) -> Result<Rule, MetadataError> {
        Rule::of(&Meta::of_node(&tree::read(text).expect("YAML")[0]).expect("a tree"))
    }

    #[test]
    fn one_component_of_the_path_decides() {
        for (text, path, encrypted) in [
            ("{}", &["data", "a"][..], true),
            ("{}", &["data_unencrypted", "a"], false),
            ("{unencrypted_suffix: _plain}", &["a_unencrypted"], true),
            ("{encrypted_suffix: _secret}", &["a", "b"], false),
            ("{encrypted_suffix: _secret}", &["a_secret", "b"], true),
            ("{encrypted_regex: '^(data|stringData)$'}", &["data", "a"], true),
            ("{encrypted_regex: '^(data|stringData)$'}", &["metadata", "name"], false),
            ("{encrypted_regex: ata}", &["metadata", "name"], true),
            ("{unencrypted_regex: '^meta'}", &["metadata", "name"], false),
            ("{unencrypted_regex: '^meta'}", &["kind"], true),
        ] {
            assert_eq!(rule(text).expect(text).encrypts(path), encrypted, "{text} {path:?}");
        }
    }

    #[test]
    fn two_rules_and_rules_of_comments_are_refused() {
        let error = |text| rule(text).expect_err(text);
        assert_eq!(error("{encrypted_regex: a, encrypted_suffix: b}"), MetadataError::Rules);
        let of_comments = MetadataError::CommentRule("encrypted_comment_regex");
        assert_eq!(error("{encrypted_comment_regex: a}"), of_comments);
        assert_eq!(error("{encrypted_regex: '('}"), MetadataError::Regex("encrypted_regex"));
        assert_eq!(
            error("{encrypted_regex: '(a{1000}){1000}'}"),
            MetadataError::Regex("encrypted_regex")
        );
    }
}
