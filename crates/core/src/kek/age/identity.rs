//! The lines of an identity file: native identities, and those of plugins.

use std::collections::BTreeSet;
use std::sync::Arc;

use age::secrecy::ExposeSecret;
use age::{ssh, x25519};
use zeroize::Zeroizing;

use super::{is_plugin_name, name_of, post_quantum};
use crate::kek::KekUri;

/// An identity that is ready to use, with its recipient.
///
/// The recipient is derived once, because it is compared with every Secret that is opened.
pub struct Identity {
    secret: Secret,
    recipient: Option<String>,
}

enum Secret {
    /// `AGE-SECRET-KEY-1…`
    X25519(x25519::Identity),
    /// `AGE-SECRET-KEY-PQ-1…`
    PostQuantum(Box<post_quantum::Identity>),
    /// An SSH private key.
    Ssh(Box<ssh::Identity>),
}

impl Identity {
    /// Returns the recipient, as it is after `age:` in the URI of the KEK.
    #[must_use]
    pub fn recipient(&self) -> Option<&str> {
        self.recipient.as_deref()
    }

    pub(super) fn x25519(identity: x25519::Identity) -> Self {
        let recipient = Some(identity.to_public().to_string());
        Self { secret: Secret::X25519(identity), recipient }
    }

    pub(super) fn post_quantum(identity: post_quantum::Identity) -> Self {
        let recipient = Some(identity.recipient().to_string());
        Self { secret: Secret::PostQuantum(Box::new(identity)), recipient }
    }

    pub(super) fn ssh(identity: ssh::Identity, recipient: Option<String>) -> Self {
        Self { secret: Secret::Ssh(Box::new(identity)), recipient }
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(
        &self,
        stanza: &age_core::format::Stanza,
    ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
        match &self.secret {
            Secret::X25519(identity) => identity.unwrap_stanza(stanza),
            Secret::PostQuantum(identity) => identity.unwrap_stanza(stanza),
            Secret::Ssh(identity) => identity.unwrap_stanza(stanza),
        }
    }
}

/// `AGE-PLUGIN-NAME-1…`: what a plugin knows about a key. Some plugins keep a secret in it.
pub(super) struct PluginIdentity {
    name: String,
    line: Zeroizing<String>,
    /// The recipients that the comments above it name.
    recipients: Vec<String>,
}

impl PluginIdentity {
    /// Parses a line. Returns `None` if it is not the identity of a plugin.
    fn parse(line: &str, recipients: Vec<String>) -> Option<Self> {
        let (start, _, variant) = bech32::decode(line).ok()?;
        let start = start.to_ascii_lowercase();
        let name = start.strip_prefix("age-plugin-")?.strip_suffix('-')?;
        if variant != bech32::Variant::Bech32 || !is_plugin_name(name) {
            return None;
        }
        let line = Zeroizing::new(line.to_owned());
        Some(Self { name: name.to_owned(), line, recipients })
    }

    /// Returns the line for the plugin itself.
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    /// Returns whether the plugin may open for this recipient.
    ///
    /// That is so if the comments name it. Without such a comment, the identity may be that of any
    /// recipient of its plugin, and of any tagged recipient.
    fn may_open(&self, recipient: &str) -> bool {
        match &self.recipients[..] {
            [] => name_of(recipient)
                .is_some_and(|name| name == self.name || ["tag", "tagpq"].contains(&name)),
            known => known.iter().any(|own| own == recipient || is_tag_of(recipient, own)),
        }
    }

    /// Returns a text of the plugin without the identity.
    pub(super) fn remove_from(&self, text: &str) -> String {
        // The checksum alone has six characters, and is no secret.
        let Some((_, data)) = self.line.rsplit_once('1').filter(|(_, data)| data.len() > 6) else {
            return text.to_owned();
        };
        let (mut clean, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(start) = rest.to_ascii_uppercase().find(&*data.to_ascii_uppercase()) {
            clean.push_str(&rest[..start]);
            clean.push('…');
            rest = &rest[start + data.len()..];
        }
        clean + rest
    }
}

/// Returns whether `recipient` is the tagged form of the recipient of a plugin: the same point of
/// P-256. The plugins of YubiKeys, TPMs and Secure Enclaves have both forms.
fn is_tag_of(recipient: &str, of: &str) -> bool {
    let point = |text: &str| {
        let (start, data, _) = bech32::decode(text).ok()?;
        let bytes: Vec<u8> = bech32::FromBase32::from_base32(&data).ok()?;
        (bytes.len() == 33).then_some((start, bytes))
    };
    match (point(recipient), point(of)) {
        (Some((start, point)), Some((other, same))) => {
            start == "age1tag" && other.starts_with("age1") && point == same
        }
        _ => false,
    }
}

/// The identities in one file, or in several.
#[derive(Clone, Default)]
pub(super) struct Lines {
    pub identities: Vec<Arc<Identity>>,
    pub plugins: Vec<Arc<PluginIdentity>>,
}

impl Lines {
    /// One identity.
    pub(super) fn of(identity: Identity) -> Self {
        Self { identities: vec![Arc::new(identity)], plugins: Vec::new() }
    }

    /// Parses an identity file. Returns `None` if a line is not valid, or if there is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mut lines, mut named) = (Self::default(), Vec::new());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix('#') {
                let words = comment.split_whitespace().filter_map(super::recipient);
                // A word that is no KEK can have an identity in it, and these are shown.
                named.extend(words.filter(|r| r.starts_with("age1") && KekUri::age(r).is_ok()));
                continue;
            }
            let above = std::mem::take(&mut named);
            if let Some(identity) = post_quantum::Identity::parse(line) {
                lines.identities.push(Arc::new(Identity::post_quantum(identity)));
            } else if let Some(identity) = PluginIdentity::parse(line, above) {
                lines.plugins.push(Arc::new(identity));
            } else {
                lines.identities.push(Arc::new(Identity::x25519(line.parse().ok()?)));
            }
        }
        (!lines.identities.is_empty() || !lines.plugins.is_empty()).then_some(lines)
    }

    pub(super) fn and(mut self, other: &Self) -> Self {
        self.identities.extend_from_slice(&other.identities);
        self.plugins.extend_from_slice(&other.plugins);
        self
    }

    /// Returns whether one of them may open for this recipient.
    pub(super) fn may_open(&self, recipient: &str) -> bool {
        self.identities.iter().any(|identity| identity.recipient() == Some(recipient))
            || self.plugins.iter().any(|plugin| plugin.may_open(recipient))
    }

    /// Returns those of plugins that may open for this recipient: for each plugin its name, and all
    /// its identities, so that it is started only once.
    pub(super) fn plugins_for(&self, recipient: &str) -> Vec<(String, Vec<Arc<PluginIdentity>>)> {
        let fit = |plugin: &&Arc<PluginIdentity>| plugin.may_open(recipient);
        let plugins: Vec<_> = self.plugins.iter().filter(fit).cloned().collect();
        let names: BTreeSet<&str> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
        let of = |name: &str| plugins.iter().filter(|p| p.name == name).cloned().collect();
        names.into_iter().map(|name| (name.to_owned(), of(name))).collect()
    }

    /// Returns the recipients that are known.
    pub(super) fn recipients(&self) -> impl Iterator<Item = &str> {
        let of_plugins = self.plugins.iter().flat_map(|plugin| &plugin.recipients);
        let native = self.identities.iter().filter_map(|identity| identity.recipient());
        native.chain(of_plugins.map(String::as_str))
    }

    /// Returns the names of the plugins, each once.
    pub(super) fn plugin_names(&self) -> BTreeSet<String> {
        self.plugins.iter().map(|plugin| plugin.name.clone()).collect()
    }
}

/// A new age identity.
pub struct NewIdentity {
    /// The text of the identity file.
    pub file: Zeroizing<String>,
    /// The recipient, to seal to.
    pub recipient: String,
}

/// Makes a new identity: X25519, or the hybrid of ML-KEM-768 and X25519 if `post_quantum` is set.
#[must_use]
pub fn new_identity(post_quantum: bool) -> NewIdentity {
    let (recipient, secret) = if post_quantum {
        let identity = post_quantum::Identity::generate();
        (identity.recipient().to_string(), identity.to_text())
    } else {
        let identity = x25519::Identity::generate();
        let secret = Zeroizing::new(identity.to_string().expose_secret().to_owned());
        (identity.to_public().to_string(), secret)
    };
    let file = Zeroizing::new(format!("# public key: {recipient}\n{}\n", secret.as_str()));
    NewIdentity { file, recipient }
}

#[cfg(test)]
mod tests {
    use bech32::{ToBase32, Variant};

    use super::*;

    fn text(start: &str, bytes: &[u8]) -> String {
        bech32::encode(start, bytes.to_base32(), Variant::Bech32).expect("encoded")
    }

    fn line(name: &str) -> String {
        text(&format!("age-plugin-{name}-"), &[7; 20]).to_uppercase()
    }

    fn only(file: &str) -> Arc<PluginIdentity> {
        let lines = Lines::parse(file).expect("an identity file");
        assert_eq!((lines.identities.len(), lines.plugins.len()), (0, 1));
        lines.plugins[0].clone()
    }

    #[test]
    fn an_identity_of_a_plugin_has_the_recipient_of_the_comment_above_it() {
        let mine = text("age1yubikey", &[2; 33]);
        let other = text("age1yubikey", &[3; 33]);
        let comment = format!("#       Serial: 1, Slot: 1\r\n#    Recipient: {mine}\r\n");
        let identity = only(&format!("{comment}{}\r\n", line("yubikey")));
        assert!(identity.may_open(&mine) && !identity.may_open(&other));
        // The tagged form has the same point.
        assert!(identity.may_open(&text("age1tag", &[2; 33])));
        assert!(!identity.may_open(&text("age1tag", &[3; 33])));
        assert!(!identity.may_open(&text("age1tpm", &[2; 33])));
        // A comment above another identity is not about this one.
        let native = new_identity(false).file;
        let file = format!("# public key: {other}\n{}{comment}\n{}", *native, line("yubikey"));
        let lines = Lines::parse(&file).expect("an identity file");
        assert_eq!((lines.identities.len(), lines.plugins.len()), (1, 1));
        assert_eq!(lines.plugins_for(&mine).len(), 1);
        assert!(!lines.plugins[0].may_open(&other));
    }

    #[test]
    fn a_comment_with_an_identity_names_no_recipient() {
        let identity = only(&format!("# age1yubikey1q+AGE-SECRET-KEY-1X\n{}", line("yubikey")));
        assert_eq!(identity.recipients, [""; 0]);
    }

    #[test]
    fn without_a_comment_it_is_for_its_plugin_and_for_tagged_recipients() {
        let identity = only(&line("yubikey"));
        for start in ["age1yubikey", "age1tag", "age1tagpq"] {
            assert!(identity.may_open(&text(start, &[2; 33])), "{start}");
        }
        for start in ["age1tpm", "age1pq", "age1yubikeyx", "age"] {
            assert!(!identity.may_open(&text(start, &[2; 33])), "{start}");
        }
    }

    #[test]
    fn all_identities_of_a_plugin_go_to_it_at_once() {
        let file = format!("{}\n{}\n{}\n", line("a"), line("b"), line("a"));
        let lines = Lines::parse(&file).expect("an identity file");
        let tagged = lines.plugins_for(&text("age1tag", &[2; 33]));
        let counts: Vec<_> = tagged.iter().map(|(name, all)| (&**name, all.len())).collect();
        assert_eq!(counts, [("a", 2), ("b", 1)]);
    }

    #[test]
    fn a_line_that_is_not_valid_is_refused() {
        for bad in [line("a") + "Q", line("a/b"), line("").replace("--", "-"), "age1x1q".into()] {
            assert!(Lines::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_checksum_of_an_identity_without_data_is_no_secret() {
        let identity = only(&text("age-plugin-x-", &[]).to_uppercase());
        let said = format!("no {}!", identity.line());
        assert_eq!(identity.remove_from(&said), said);
    }

    #[test]
    fn each_plugin_has_its_name_once() {
        let lines = Lines::parse(&format!("{}\n{}\n{}\n", line("b"), line("a"), line("b")));
        let names = lines.expect("an identity file").plugin_names();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_text_loses_the_identity() {
        let identity = only(&line("x"));
        let said = format!("no {} and {}!", identity.line(), identity.line().to_lowercase());
        let clean = identity.remove_from(&said);
        assert_eq!(clean, "no AGE-PLUGIN-X-1… and age-plugin-x-1…!");
    }
}
