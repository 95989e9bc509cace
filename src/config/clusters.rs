//! The list `clusters`: to which clusters the Secrets of a path or namespace may go.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::rules::RuleInput;
use envcrypt_cluster::{ClusterIdentity, normal_server};
use envcrypt_core::access::Pattern;

/// An entry of `clusters`.
#[derive(Debug)]
pub struct Guard {
    /// Its position in the list, counted from 1.
    pub number: usize,
    pub path: Option<Pattern>,
    pub namespace: Option<Pattern>,
    /// The clusters, at least one.
    only: Vec<Expected>,
}

/// What a cluster must be. All fields that are there must match.
#[derive(Debug)]
struct Expected {
    server: Option<Pattern>,
    /// `sha256:` and 64 lower-case hex digits.
    ca: Option<String>,
    context: Option<Pattern>,
}

/// An entry of `clusters` as the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardText {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub only: Vec<ClusterText>,
}

/// An item of `only` as the file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterText {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// Parses the list of a file.
pub(super) fn guards(texts: Vec<GuardText>, file: &Path) -> Result<Vec<Guard>, ConfigError> {
    let guard = |(index, text)| {
        let number = index + 1;
        let path = || file.to_owned();
        Guard::new(text, number).map_err(|wrong| ConfigError::Guard { path: path(), number, wrong })
    };
    texts.into_iter().enumerate().map(guard).collect()
}

impl Guard {
    fn new(text: GuardText, number: usize) -> Result<Self, &'static str> {
        if text.only.is_empty() {
            return Err("its `only` names no cluster");
        }
        if text.path.as_deref().is_some_and(never_matches) {
            return Err(
                "its `path` can match no file: write it from the directory of this file, as `clusters/prod/**`",
            );
        }
        if text.namespace.as_deref().is_some_and(|text| text.contains(char::is_uppercase)) {
            return Err("its `namespace` can match none: a namespace has no upper case");
        }
        Ok(Self {
            number,
            path: pattern(text.path, "its `path` is not a valid pattern")?,
            namespace: pattern(text.namespace, "its `namespace` is not a valid pattern")?,
            only: text.only.into_iter().map(Expected::new).collect::<Result<_, _>>()?,
        })
    }

    /// Whether it is about this Secret. A condition on a path does not match without one.
    pub(super) fn matches(&self, input: RuleInput<'_>, root: &Path) -> bool {
        let path = input.path.map(|path| path.strip_prefix(root).unwrap_or(path));
        self.path.as_ref().is_none_or(|pattern| path.is_some_and(|path| pattern.matches(path)))
            && self.namespace.as_ref().is_none_or(|pattern| pattern.matches(input.namespace))
    }

    /// Whether the Secret may go to this cluster.
    #[must_use]
    pub fn allows(&self, cluster: &ClusterIdentity) -> bool {
        self.only.iter().any(|expected| expected.is(cluster))
    }

    /// The clusters that it names, for a message.
    #[must_use]
    pub fn wanted(&self) -> String {
        self.only.iter().map(ToString::to_string).collect::<Vec<_>>().join(", or ")
    }

    /// Whether it names this cluster in exactly these words.
    #[must_use]
    pub fn has(&self, text: &ClusterText) -> bool {
        let as_text = |pattern: &Option<Pattern>| pattern.as_ref().map(ToString::to_string);
        self.only.iter().any(|expected| {
            as_text(&expected.server) == text.server
                && expected.ca == text.ca
                && as_text(&expected.context) == text.context
        })
    }
}

impl Expected {
    fn new(text: ClusterText) -> Result<Self, &'static str> {
        if text == ClusterText::default() {
            return Err("an item of its `only` has none of `server`, `ca` and `context`");
        }
        let ca = text.ca.map(|text| fingerprint(&text)).transpose()?;
        Ok(Self {
            server: pattern(
                text.server.as_deref().map(server_pattern),
                "a `server` is not a valid pattern",
            )?,
            ca,
            context: pattern(text.context, "a `context` is not a valid pattern")?,
        })
    }

    fn is(&self, cluster: &ClusterIdentity) -> bool {
        let context = cluster.context.as_deref();
        self.server.as_ref().is_none_or(|pattern| is_server(pattern, cluster))
            && self.ca.as_ref().is_none_or(|ca| cluster.authorities.contains(ca))
            && self.context.as_ref().is_none_or(|p| context.is_some_and(|name| p.matches(name)))
    }
}

/// Whether a pattern means the server of the cluster, in any form of its URL.
pub fn is_server(pattern: &Pattern, cluster: &ClusterIdentity) -> bool {
    let ClusterIdentity { server, written, .. } = cluster;
    [server, written, written.trim_end_matches('/')].iter().any(|text| pattern.matches(text))
}

/// The pattern for the normal form of a URL. The brackets of an address of IPv6 are no pattern.
pub(super) fn server_pattern(text: &str) -> String {
    let text = normal_server(text);
    match text.split_once("://[") {
        Some((scheme, rest)) if !rest.starts_with("[]") => match rest.split_once(']') {
            Some((address, rest)) if address.parse::<Ipv6Addr>().is_ok() => {
                format!("{scheme}://[[]{address}[]]{rest}")
            }
            _ => text,
        },
        _ => text,
    }
}

/// Whether a path relative to the directory of the file cannot be like this.
fn never_matches(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

fn pattern(text: Option<String>, wrong: &'static str) -> Result<Option<Pattern>, &'static str> {
    text.map(|text| text.parse().map_err(|_| wrong)).transpose()
}

/// Accepts upper case and the colons of `openssl x509 -fingerprint`, too.
fn fingerprint(text: &str) -> Result<String, &'static str> {
    let hex = text.strip_prefix("sha256:").map(|hex| hex.replace(':', "").to_ascii_lowercase());
    hex.filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(|hex| format!("sha256:{hex}"))
        .ok_or("a `ca` is not `sha256:` and 64 hex digits")
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("server", self.server.as_ref().map(Pattern::as_str)),
            ("CA", self.ca.as_deref()),
            ("context", self.context.as_ref().map(Pattern::as_str)),
        ];
        let given = fields.into_iter().filter_map(|(name, text)| Some((name, text?)));
        let texts: Vec<_> = given.map(|(name, text)| format!("the {name} `{text}`")).collect();
        f.write_str(&texts.join(" with "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> ClusterIdentity {
        ClusterIdentity {
            server: "https://prod.example".into(),
            written: "https://Prod.example:443/".into(),
            context: Some("prod-eu".into()),
            authorities: vec![
                format!("sha256:{}", "a".repeat(64)),
                format!("sha256:{}", "b".repeat(64)),
            ],
        }
    }

    fn guard(text: &str) -> Result<Guard, String> {
        let text: GuardText = serde_yaml::from_str(text).expect("a guard");
        Guard::new(text, 1).map_err(str::to_owned)
    }

    #[test]
    fn any_item_suffices_and_all_fields_of_it_must_match() {
        let b = "b".repeat(64);
        let colons = "BB:".repeat(32);
        let colons = colons.trim_end_matches(':');
        for (only, expected) in [
            ("[{server: 'https://prod.example'}]", true),
            ("[{server: 'https://Prod.example:443'}]", true),
            ("[{server: 'https://prod.example:443/'}]", true),
            ("[{server: 'HTTPS://PROD.example/'}]", true),
            ("[{server: 'https://*.Example:443'}]", true),
            ("[{server: 'https://prod.example:6443'}]", false),
            ("[{server: 'https://*.other'}, {context: 'prod-*'}]", true),
            ("[{server: 'https://*.other'}, {context: 'dev'}]", false),
            (&format!("[{{ca: 'sha256:{b}'}}]"), true),
            (&format!("[{{ca: 'sha256:{colons}'}}]"), true),
            (&format!("[{{ca: 'sha256:{}'}}]", "c".repeat(64)), false),
            (&format!("[{{ca: 'sha256:{b}', context: dev}}]"), false),
            (&format!("[{{ca: 'sha256:{b}', context: prod-eu}}]"), true),
        ] {
            let guard = guard(&format!("only: {only}")).expect(only);
            assert_eq!(guard.allows(&cluster()), expected, "{only}");
        }
        let unverified = ClusterIdentity { authorities: Vec::new(), context: None, ..cluster() };
        for only in [format!("[{{ca: 'sha256:{b}'}}]"), "[{context: '*'}]".to_owned()] {
            assert!(!guard(&format!("only: {only}")).expect("valid").allows(&unverified), "{only}");
        }
    }

    #[test]
    fn an_address_of_ipv6_is_no_pattern() {
        let server = "https://[2001:db8::1]:6443".to_owned();
        let cluster = ClusterIdentity { written: server.clone(), server, ..cluster() };
        for text in ["https://[2001:0DB8:0:0::1]:6443/", "https://[[]2001:db8::1[]]:6443"] {
            let guard = guard(&format!("only: [{{server: '{text}'}}]")).expect(text);
            assert!(guard.allows(&cluster), "{text}");
        }
    }

    #[test]
    fn a_condition_that_nothing_can_meet_is_an_error() {
        for field in [
            "path: ./clusters/prod/**",
            "path: /clusters/prod/**",
            "path: clusters/prod/",
            "path: ../x/**",
            "path: clusters/../x/**",
            "path: clusters//prod/**",
            "path: ''",
            "namespace: PT",
        ] {
            let error = guard(&format!("{{{field}, only: [{{context: a}}]}}")).expect_err(field);
            assert!(error.contains("can match no"), "{error}");
        }
    }

    #[test]
    fn an_invalid_entry_is_an_error_that_does_not_quote_it() {
        for text in [
            "only: []",
            "only: [{}]",
            "only: [{ca: hunter2}]",
            "only: [{ca: 'sha256:hunter2'}]",
            "only: [{server: '[hunter2'}]",
            "only: [{context: ''}]",
            "{path: '{hunter2', only: [{context: a}]}",
            "{namespace: '[hunter2', only: [{context: a}]}",
        ] {
            let error = guard(text).expect_err(text);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
