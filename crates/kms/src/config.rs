//! The configuration: `/etc/envcrypt/kms.yaml`. It contains paths, never a secret.

mod duration;
mod kek;
mod peers;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use envcrypt_core::kek::{KekUri, Vaults};
use serde::Deserialize;
use thiserror::Error;

pub use kek::KekConfig;
pub use peers::{Kind, Peer, Protocol, Writes};

/// The file that is read if none is named.
pub const DEFAULT: &str = "/etc/envcrypt/kms.yaml";
/// The maximum size of the file, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not valid.
    #[error("`{path}` is not a valid configuration: {why}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why, with the line if it is known.
        why: String,
    },
}

/// The configuration of the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The name of the cluster. Each KMS receives it as the context `envcrypt.dev/cluster`.
    pub cluster: String,
    /// Earlier names of the cluster, whose ciphertexts are still opened.
    #[serde(default)]
    pub formerly: Vec<String>,
    /// The KEKs. Each local key is wrapped under all of them, and any one opens it.
    pub keks: Vec<KekConfig>,
    /// How many KEKs must answer to start a new local key.
    #[serde(default)]
    pub require: Require,
    /// Raise it to force a new key id.
    #[serde(default = "one")]
    pub generation: u64,
    /// Where kube-apiserver connects.
    #[serde(default)]
    pub socket: SocketConfig,
    /// How often each KEK is tested.
    #[serde(default)]
    pub probe: ProbeConfig,
    /// What to do while no KEK answers.
    #[serde(default)]
    pub outage: OutageConfig,
    /// How long a local key is used.
    #[serde(default)]
    pub local_key: LocalKeyConfig,
    /// The peers whose ciphertexts are opened too.
    #[serde(default)]
    pub reads: Vec<Peer>,
    /// The peer whose ciphertexts are written, as long as it still runs on another node.
    pub writes: Option<Writes>,
    /// The encryption context of `aws-encryption-provider`.
    #[serde(default)]
    pub aws_encryption_context: BTreeMap<String, String>,
    /// The version of the protocol that Status reports, if it is not the one of the peers.
    protocol: Option<Protocol>,
    /// Where metrics and health are served.
    #[serde(default = "listen")]
    pub listen: Listen,
}

/// How many KEKs must answer to start a new local key. KEKs in escrow do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "`require` must be a number or `all`")]
pub enum Require {
    /// This number.
    Number(usize),
    /// All.
    All(All),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// The word `all`.
    All,
}

impl Default for Require {
    fn default() -> Self {
        Self::Number(1)
    }
}

/// Where kube-apiserver connects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct SocketConfig {
    /// The path of the socket.
    pub path: PathBuf,
    /// The mode of the socket, in octal.
    #[serde(deserialize_with = "mode")]
    pub mode: u32,
    /// The users that may connect.
    pub allow_uids: Vec<u32>,
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self { path: "/run/envcrypt/kms.sock".into(), mode: 0o600, allow_uids: vec![0] }
    }
}

/// How often each KEK is tested.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeConfig {
    /// While all KEKs answer.
    #[serde(deserialize_with = "duration::read")]
    pub every: Duration,
    /// While a KEK does not answer, or its version may have changed.
    #[serde(deserialize_with = "duration::read")]
    pub when_down: Duration,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self { every: Duration::from_secs(300), when_down: Duration::from_secs(10) }
    }
}

/// What to do while no KEK answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct OutageConfig {
    /// How long the plugin works from memory.
    #[serde(deserialize_with = "duration::read")]
    pub hold: Duration,
}

impl Default for OutageConfig {
    fn default() -> Self {
        Self { hold: Duration::from_secs(3600) }
    }
}

/// How long a local key is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalKeyConfig {
    /// The maximum age. With 0, each seed gets a local key of its own.
    #[serde(deserialize_with = "duration::read")]
    pub max_age: Duration,
}

impl Default for LocalKeyConfig {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(24 * 3600) }
    }
}

/// Where metrics and health are served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a socket.
    Unix(PathBuf),
    /// Nowhere.
    Off,
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let wrong =
            |_| format!("`listen` must be `ADDRESS:PORT`, `unix:PATH` or `off`, not `{text}`");
        text.parse().map(Self::Tcp).map_err(wrong)
    }
}

fn listen() -> Listen {
    Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 9720)))
}

fn one() -> u64 {
    1
}

fn mode<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| serde::de::Error::custom("`mode` must be a text such as \"0600\""))
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Returns a [`ConfigError`] that says what is wrong and where.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|why| ConfigError::Invalid { path: path.to_owned(), why })
    }

    /// Reads and checks the text of a file.
    ///
    /// # Errors
    /// Returns a message that says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self =
            serde_yaml::from_str(text).map_err(|error| without_value(&error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// The KEKs that must work: all that are not in escrow.
    pub fn active(&self) -> impl Iterator<Item = &KekConfig> {
        self.keks.iter().filter(|kek| !kek.escrow)
    }

    /// How many active KEKs must answer to start a new local key.
    #[must_use]
    pub fn required(&self) -> usize {
        match self.require {
            Require::Number(number) => number,
            Require::All(All::All) => self.active().count(),
        }
    }

    /// The settings of keys of Vault.
    #[must_use]
    pub fn vaults(&self) -> Vaults {
        let of = |kek: &KekConfig| Some((kek.uri.id(), kek.vault.clone()?));
        self.keks.iter().filter_map(of).collect()
    }

    fn check(&self) -> Result<(), String> {
        for name in std::iter::once(&self.cluster).chain(&self.formerly) {
            check_cluster(name)?;
        }
        let active = self.active().count();
        if active == 0 {
            return Err("`keks` needs at least one KEK that is not in escrow".to_owned());
        }
        if !(1..=active).contains(&self.required()) {
            return Err(format!(
                "`require` must be a number from 1 to {active}, which is how many KEKs are not in escrow, or `all`"
            ));
        }
        let mut seen = HashSet::new();
        for kek in &self.keks {
            kek.check(&self.socket.path)?;
            if !seen.insert(kek.uri.id()) {
                return Err(format!("`keks` names `{}` twice", kek.uri));
            }
        }
        if self.keks.len() > 16 {
            return Err("`keks` has more than 16 KEKs".to_owned());
        }
        if !self.socket.path.is_absolute() || self.socket.path.file_name().is_none() {
            return Err("`socket.path` must be an absolute path".to_owned());
        }
        if self.listen == Listen::Unix(self.socket.path.clone()) {
            return Err("`listen` and `socket.path` are the same socket".to_owned());
        }
        if self.socket.allow_uids.is_empty() {
            return Err("`socket.allowUids` allows nobody".to_owned());
        }
        if self.probe.every.is_zero() || self.probe.when_down.is_zero() {
            return Err("`probe.every` and `probe.whenDown` must be longer than 0".to_owned());
        }
        self.check_peers()
    }

    /// The URIs of the KEKs that may open.
    pub fn openers(&self) -> impl Iterator<Item = &KekUri> {
        self.active().map(|kek| &kek.uri)
    }
}

/// The name of a cluster is a label of a metric, part of each ciphertext, and a value in policies.
fn check_cluster(name: &str) -> Result<(), String> {
    let is_valid = (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if is_valid {
        return Ok(());
    }
    Err(format!(
        "`{}` is not a valid name of a cluster: use 1 to 63 letters, digits, `-`, `.` and `_`",
        name.escape_debug()
    ))
}

/// Someone may have written a secret in the place of a path, and the error would quote it.
fn without_value(error: &str) -> String {
    let Some((before, rest)) = error.split_once("invalid type: string \"") else {
        return error.to_owned();
    };
    let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
    format!("{before}invalid type: string{after}")
}

fn read_text(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_SIZE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SIZE {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "cluster: prod\nkeks: [hashivault://k8s]\n";

    #[test]
    fn a_small_one_has_the_defaults() {
        let config = Config::parse(SMALL).expect("valid");
        assert_eq!(config.required(), 1);
        assert_eq!(config.outage.hold, Duration::from_secs(3600));
        assert_eq!(config.socket.mode, 0o600);
        assert_eq!(config.listen, listen());
    }

    #[test]
    fn every_field_can_be_set() {
        let config = Config::parse(
            "cluster: prod-eu1\nformerly: [prod]\nkeks:\n\
             - awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234\n\
             - {kek: hashivault://k8s, address: 'https://vault:8200', ca: /ca.pem, login: {approle: {roleIdFile: /r, secretIdFile: /s}}}\n\
             - {kek: 'age:age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p', escrow: true}\n\
             require: all\ngeneration: 7\nsocket: {path: /run/x/kms.sock, mode: '0660', allowUids: [0, 7]}\n\
             probe: {every: 1m, whenDown: 2s}\noutage: {hold: 0}\nlocalKey: {maxAge: 90m}\nlisten: unix:/run/x/http.sock\n",
        );
        let config = config.expect("valid");
        assert_eq!(config.required(), 2);
        assert_eq!(config.outage.hold, Duration::ZERO);
        assert_eq!(config.socket.mode, 0o660);
        assert_eq!(config.vaults().len(), 1);
        assert_eq!(config.local_key.max_age, Duration::from_secs(5400));
    }

    #[test]
    fn a_secret_in_the_place_of_a_path_is_not_quoted() {
        for text in [
            "cluster: p\nkeks: [{kek: hashivault://a, address: 'https://v', login: {token: hvs.SECRET}}]\n",
            "cluster: p\nkeks: [{kek: hashivault://a, address: 'https://v', login: {token: {file: hvs.SECRET}}}]\n",
            "cluster: p\nkeks: [{kek: 'age:age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p', identity: AGE-SECRET-KEY-1SECRET}]\n",
            "cluster: p\nkeks: ['AGE-SECRET-KEY-1SECRET']\n",
            "cluster: p\nkeks: [{kek: hashivault://a, address: 'https://u:SECRET@v', login: {token: {file: /t}}}]\n",
        ] {
            let error = Config::parse(text).expect_err(text);
            assert!(!error.contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn each_slip_is_told() {
        for (text, why) in [
            ("cluster: prod\n", "missing field `keks`"),
            ("keks: [hashivault://k8s]\n", "missing field `cluster`"),
            ("cluster: prod\nkeks: []\n", "at least one KEK"),
            ("cluster: ''\nkeks: [hashivault://k8s]\n", "not a valid name of a cluster"),
            ("cluster: \"a\\nb\"\nkeks: [hashivault://k8s]\n", "`a\\nb` is not a valid name"),
            ("cluster: p\nkeks: [hashivault://k8s, hashivault://transit/k8s]\n", "twice"),
            ("cluster: p\nkeks: [nothing]\n", "at line 2"),
            ("cluster: p\nkeks: [awskms:///alias/prod]\n", "an alias can point to another key"),
            (
                "cluster: p\nkeks: ['age:age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p']\n",
                "`identity`",
            ),
            ("cluster: p\nkeks: [{kek: hashivault://a, escrow: true}]\n", "at least one KEK"),
            ("cluster: p\nkeks: [{kek: hashivault://a, adress: x}]\n", "unknown field `adress`"),
            ("cluster: p\nkeks: ['k8skms:///run/envcrypt/kms.sock']\n", "the server's own socket"),
            (
                "cluster: p\nkeks: [hashivault://a]\nrequire: 2\n",
                "`require` must be a number from 1 to 1",
            ),
            (
                "cluster: p\nkeks: [hashivault://a]\nrequire: most\n",
                "`require` must be a number or `all`",
            ),
            ("cluster: p\nkeks: [hashivault://a]\nunknown: 2\n", "unknown field `unknown`"),
            (
                "cluster: p\nkeks: [hashivault://a, {kek: 'age:age1yubikey1q', escrow: true}]\n",
                "this server starts none",
            ),
            (
                "cluster: p\nkeks: [{kek: 'age:age1tag1q', identity: /i}]\n",
                "this server starts none",
            ),
            (
                "cluster: p\nkeks: [{kek: 'age:ssh-rsa AAAA', identity: /i}]\n",
                "only with `escrow: true`",
            ),
            (
                "cluster: p\nkeks: [hashivault://a]\nsocket: {path: /s}\nlisten: 'unix:/s'\n",
                "the same socket",
            ),
            ("cluster: p\nkeks: [hashivault://a]\nlisten: here\n", "`listen` must be"),
            ("cluster: p\nkeks: [hashivault://a]\nprobe: {every: 5x}\n", "5m"),
            ("cluster: p\nkeks: [hashivault://a]\nprobe: {whenDown: 0}\n", "longer than 0"),
            ("cluster: p\nkeks: [hashivault://a]\nsocket: {mode: '0999'}\n", "`mode` must be"),
            ("cluster: p\nkeks: [hashivault://a]\nsocket: {path: kms.sock}\n", "absolute path"),
            ("cluster: p\nkeks: [hashivault://a]\nsocket: {allowUids: []}\n", "allows nobody"),
        ] {
            let error = Config::parse(text).expect_err(text);
            assert!(error.contains(why), "{text}\n{error}");
        }
    }
}
