//! The peers whose place this server takes: `reads`, `writes` and what belongs to them.

use std::fmt;
use std::path::Path;

use envcrypt_core::kek::{Context, KekId, KekUri};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Config;

/// The maximum size of a key id, in bytes. The protocol sets it.
const MAX_KEY_ID: usize = 1024;

/// Another KMS v2 plugin whose ciphertexts this server can open and write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Peer {
    /// Which plugin it is.
    pub kind: Kind,
    /// The KEK, if `reads` names it: the socket of a plugin, or a version of a key of Azure.
    kek: Option<KekUri>,
}

/// The plugins whose ciphertexts are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `aws-encryption-provider` of Kubernetes SIGs.
    Aws,
    /// `vault-kubernetes-kms` of `FalcoSuessgott`.
    Vault,
    /// `kubernetes-kms` of Azure.
    Azure,
    /// `k8s-cloudkms-plugin` of Google.
    Google,
    /// Any other plugin, which still runs beside this server.
    Plugin,
}

impl Kind {
    /// The plugins that have a name in the configuration.
    const NAMED: [Self; 4] = [Self::Aws, Self::Vault, Self::Azure, Self::Google];

    /// The name in the configuration and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws-encryption-provider",
            Self::Vault => "vault-kubernetes-kms",
            Self::Azure => "azure-kms",
            Self::Google => "cloudkms",
            Self::Plugin => "k8skms",
        }
    }

    /// The scheme of the KEKs that open its ciphertexts.
    fn scheme(self) -> &'static str {
        match self {
            Self::Aws => "awskms",
            Self::Vault => "hashivault",
            Self::Azure => "azurekms",
            Self::Google => "gcpkms",
            Self::Plugin => "k8skms",
        }
    }

    /// The version of the protocol that the plugin reports to kube-apiserver.
    fn protocol(self) -> Protocol {
        match self {
            Self::Aws | Self::Azure | Self::Google => Protocol::V2beta1,
            Self::Vault | Self::Plugin => Protocol::V2,
        }
    }
}

impl Peer {
    /// The plugin with this name.
    pub fn named(name: &str) -> Option<Self> {
        let kind = Kind::NAMED.into_iter().find(|kind| kind.name() == name)?;
        Some(Self { kind, kek: None })
    }

    /// The socket of the plugin, if `reads` names it.
    pub fn socket(&self) -> Option<std::path::PathBuf> {
        let kek = self.kek.as_ref().filter(|_| self.kind == Kind::Plugin)?;
        Some(Path::new("/").join(kek.rest()))
    }
}

impl TryFrom<String> for Peer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(peer) = Self::named(&text) {
            return Ok(peer);
        }
        let kek = text.parse::<KekUri>().ok();
        let kind = kek.as_ref().and_then(|kek| match kek.scheme() {
            "k8skms" => Some(Kind::Plugin),
            "azurekms" if has_version(kek) => Some(Kind::Azure),
            _ => None,
        });
        let names = Kind::NAMED.map(Kind::name).join("`, `");
        let wrong = || {
            format!(
                "`{}` is not a peer: use `{names}`, `azurekms://HOST/KEY/VERSION`, or `k8skms:///SOCKET` for a plugin that still runs",
                text.escape_debug()
            )
        };
        Ok(Self { kind: kind.ok_or_else(wrong)?, kek })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kek {
            Some(kek) => kek.fmt(f),
            None => f.write_str(self.kind.name()),
        }
    }
}

fn has_version(kek: &KekUri) -> bool {
    kek.id().uri() != kek
}

/// The peer whose ciphertexts are written, as long as it still runs on another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writes {
    /// The peer.
    pub peer: Peer,
    /// The key id that the peer reports, if it is not the usual one.
    pub key_id: Option<String>,
}

/// A peer with its key id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Full {
    peer: Peer,
    key_id: String,
}

impl<'de> Deserialize<'de> for Writes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Writes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a peer, or a mapping with `peer` and `keyId`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Writes, E> {
                let peer = Peer::try_from(text.to_owned()).map_err(E::custom)?;
                Ok(Writes { peer, key_id: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Writes, A::Error> {
                let full = Full::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Writes { peer: full.peer, key_id: Some(full.key_id) })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The version of the protocol that Status reports.
///
/// Both are the same protocol. kube-apiserver insists on the one that it saw first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// `v2`.
    V2,
    /// `v2beta1`, as plugins from before Kubernetes 1.29 report.
    V2beta1,
}

impl Protocol {
    /// The text in the answer of Status.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V2beta1 => "v2beta1",
        }
    }
}

impl Config {
    /// The KEKs that open what a peer wrapped. Nothing in a ciphertext or key id adds another one.
    pub fn keks_of(&self, peer: &Peer) -> Vec<KekUri> {
        if let Some(kek) = &peer.kek {
            return vec![kek.clone()];
        }
        let of_kind = |kek: &&KekUri| {
            kek.scheme() == peer.kind.scheme() && (peer.kind != Kind::Azure || has_version(kek))
        };
        self.openers().filter(of_kind).cloned().collect()
    }

    /// Whether a KEK may open something: a seed of this server, or one of a peer.
    pub fn may_open(&self, kek: &KekId) -> bool {
        let of_peers = self.reads.iter().flat_map(|peer| self.keks_of(peer));
        self.openers().cloned().chain(of_peers).any(|opener| opener.id() == *kek)
    }

    /// The context that a peer uses with its KMS.
    pub fn context_of(&self, peer: &Peer) -> Context {
        match peer.kind {
            Kind::Aws => Context::of_other(self.aws_encryption_context.clone()),
            _ => Context::default(),
        }
    }

    /// The version of the protocol that Status reports: as the peers did, unless it is set.
    pub fn protocol(&self) -> Protocol {
        let is_beta = |peer: &Peer| peer.kind.protocol() == Protocol::V2beta1;
        let of_peers =
            if self.reads.iter().any(is_beta) { Protocol::V2beta1 } else { Protocol::V2 };
        self.protocol.unwrap_or(of_peers)
    }

    pub(super) fn check_peers(&self) -> Result<(), String> {
        for (index, peer) in self.reads.iter().enumerate() {
            if self.reads[..index].contains(peer) {
                return Err(format!("`reads` names `{peer}` twice"));
            }
            self.check_peer(peer)?;
        }
        if let Some(writes) = &self.writes {
            self.check_writes(writes)?;
        }
        let reads_aws = self.reads.iter().any(|peer| peer.kind == Kind::Aws);
        if !self.aws_encryption_context.is_empty() && !reads_aws {
            return Err(
                "`awsEncryptionContext` needs `aws-encryption-provider` in `reads`".to_owned()
            );
        }
        Ok(())
    }

    fn check_peer(&self, peer: &Peer) -> Result<(), String> {
        if peer.socket().is_some_and(|socket| socket == self.socket.path) {
            return Err(format!("`{peer}` in `reads` is the server's own socket"));
        }
        let keks = self.keks_of(peer);
        if let Some(kek) = keks.iter().find(|kek| !kek.is_built_in()) {
            return Err(format!("this build does not support `{kek}`"));
        }
        match keks.is_empty() {
            false => Ok(()),
            true if peer.kind == Kind::Azure => Err(
                "`azure-kms` uses one version of its key: write `azurekms://HOST/KEY/VERSION` instead, in `reads` or in `keks`"
                    .to_owned(),
            ),
            true => Err(format!(
                "`reads` has `{peer}`, but `keks` has no `{}` KEK that may open",
                peer.kind.scheme()
            )),
        }
    }

    fn check_writes(&self, writes: &Writes) -> Result<(), String> {
        let Writes { peer, key_id } = writes;
        if !self.reads.contains(peer) {
            return Err(format!("`writes` needs the same peer in `reads`: add `{peer}` there"));
        }
        if self.keks_of(peer).len() > 1 {
            return Err(format!(
                "`writes` cannot tell which key `{peer}` uses: `keks` has more than one `{}` KEK",
                peer.kind.scheme()
            ));
        }
        let Some(key_id) = key_id else { return Ok(()) };
        if matches!(peer.kind, Kind::Azure | Kind::Plugin) {
            return Err(format!("`{peer}` takes no `keyId`: its key id is known"));
        }
        match (1..=MAX_KEY_ID).contains(&key_id.len()) {
            true => Ok(()),
            false => Err(format!("`keyId` must have 1 to {MAX_KEY_ID} bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234";
    const AZURE: &str = "azurekms://v.vault.azure.net/k/0123";

    fn parse(keks: &str, more: &str) -> Result<Config, String> {
        Config::parse(&format!("cluster: p\nkeks: [{keks}]\n{more}\n"))
    }

    #[test]
    fn a_peer_is_opened_with_the_keks_of_its_kind() {
        let keks = format!("hashivault://a, {{kek: hashivault://b, escrow: true}}, '{ARN}'");
        let config = parse(
            &keks,
            "reads: [vault-kubernetes-kms, aws-encryption-provider, 'k8skms:///old.sock']\nawsEncryptionContext: {k: v}",
        );
        let config = config.expect("valid");
        let [vault, aws, plugin] = &config.reads[..] else { panic!("three") };
        let keks = |peer| config.keks_of(peer).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(keks(vault), ["hashivault://transit/a"], "escrow only wraps");
        assert_eq!(keks(aws), [ARN]);
        assert_eq!(keks(plugin), ["k8skms:///old.sock"]);
        assert_eq!(config.context_of(aws).pairs().collect::<Vec<_>>(), [("k", "v")]);
        assert_eq!(config.context_of(vault), Context::default());
    }

    #[test]
    fn a_key_of_azure_is_opened_at_its_old_version() {
        let elsewhere = parse("hashivault://a", &format!("reads: ['{AZURE}']")).expect("valid");
        let pinned = parse(&format!("'{AZURE}'"), "reads: [azure-kms]").expect("valid");
        for config in [elsewhere, pinned] {
            assert_eq!(config.keks_of(&config.reads[0])[0].as_str(), AZURE);
        }
    }

    #[test]
    fn status_reports_the_version_that_kube_apiserver_has_seen() {
        for (keks, more, version) in [
            ("hashivault://a", "", "v2"),
            ("hashivault://a", "reads: [vault-kubernetes-kms]", "v2"),
            ("hashivault://a", "reads: ['k8skms:///old.sock']", "v2"),
            ("hashivault://a", "reads: ['k8skms:///old.sock']\nprotocol: v2beta1", "v2beta1"),
            (ARN, "reads: [aws-encryption-provider]", "v2beta1"),
            (ARN, "reads: [aws-encryption-provider]\nprotocol: v2", "v2"),
        ] {
            let config = parse(&format!("'{keks}'"), more).expect("valid");
            assert_eq!(config.protocol().name(), version, "{more}");
        }
    }

    #[test]
    fn each_slip_is_told() {
        let vault = "hashivault://a";
        for (keks, more, why) in [
            (vault, "reads: [trousseau]", "`trousseau` is not a peer: use `aws-encryption-"),
            (vault, "reads: ['azurekms://v.vault.azure.net/k']", "is not a peer"),
            (vault, "reads: [hashivault://a]", "is not a peer"),
            (vault, "reads: [vault-kubernetes-kms, vault-kubernetes-kms]", "twice"),
            (vault, "reads: [cloudkms]", "`keks` has no `gcpkms` KEK"),
            ("'azurekms://v.vault.azure.net/k'", "reads: [azure-kms]", "HOST/KEY/VERSION"),
            (vault, "reads: ['k8skms:///run/envcrypt/kms.sock']", "the server's own socket"),
            (vault, "writes: vault-kubernetes-kms", "add `vault-kubernetes-kms` there"),
            (
                "hashivault://a, hashivault://b",
                "reads: [vault-kubernetes-kms]\nwrites: vault-kubernetes-kms",
                "more than one `hashivault` KEK",
            ),
            (
                vault,
                "reads: ['k8skms:///a.sock']\nwrites: {peer: 'k8skms:///a.sock', keyId: x}",
                "takes no `keyId`",
            ),
            (
                vault,
                "reads: [vault-kubernetes-kms]\nwrites: {peer: vault-kubernetes-kms, keyId: ''}",
                "1 to 1024 bytes",
            ),
            (
                vault,
                "reads: [vault-kubernetes-kms]\nwrites: {peer: vault-kubernetes-kms, key: x}",
                "unknown field `key`",
            ),
            (vault, "awsEncryptionContext: {a: b}", "`aws-encryption-provider` in `reads`"),
            (vault, "protocol: v1", "unknown variant `v1`"),
        ] {
            let error = parse(keks, more).expect_err(more);
            assert!(error.contains(why), "{more}\n{error}");
        }
    }
}
