//! The peers whose place this server takes: do they work, and what is left to do?

use std::time::Duration;

use envcrypt_core::kek::k8skms::protocol::Plugin;
use envcrypt_core::kek::{DataKey, Ring};

use super::Findings;
use crate::config::{Config, Kind, Peer};
use crate::metrics::Metrics;
use crate::peers::{Peers, WriteError};

/// As long as kube-apiserver waits.
const LIMIT: Duration = Duration::from_secs(3);

/// What can be said without a call.
pub(super) fn offline(config: &Config, findings: &mut Findings) {
    for peer in &config.reads {
        findings.note(&format!(
            "keep `{peer}` in `reads` until `kubectl envcrypt at-rest verify` finds no object of it; it also counts how many are left to re-encrypt"
        ));
    }
    if config.protocol().name() != "v2" {
        findings.note("Status reports `v2beta1`, as the peers in `reads` do; after you remove them from `reads`, restart each kube-apiserver");
    }
    if let Some(writes) = &config.writes {
        findings.note(&format!(
            "this node writes as `{}`; remove `writes` when every node runs envcrypt-kms",
            writes.peer
        ));
    }
}

/// Wraps as a peer, and asks the plugins that still run.
pub(super) async fn online(config: &Config, ring: &Ring, findings: &mut Findings) {
    for peer in &config.reads {
        plugin(config, peer, findings).await;
    }
    let Some(writes) = &config.writes else { return };
    let peers = Peers::new(config, Metrics::new().into());
    let Some(written) = peers.write(ring, DataKey::generate().expose()).await else { return };
    match written {
        Ok(written) => {
            findings.ok(&format!("{} wraps with the key id `{}`", writes.peer, written.key_id));
        }
        Err(WriteError::Kek(error)) => findings.kek_error(&error),
        Err(error @ WriteError::Size(_)) => findings.error(&error.to_string()),
    }
}

/// kube-apiserver refuses a plugin whose version of the protocol changes.
async fn plugin(config: &Config, peer: &Peer, findings: &mut Findings) {
    let Some(socket) = peer.socket() else { return };
    let expected = config.protocol().name();
    match Plugin::at(&socket, LIMIT).status().await {
        Err(_) => findings.error(&format!("`{peer}` does not answer")),
        Ok(status) if status.healthz != "ok" => {
            findings.error(&format!("`{peer}` is not healthy: {}", status.healthz));
        }
        Ok(status) if status.version != expected => findings.error(&format!(
            "`{peer}` reports the version `{0}` and this server `{expected}`, which kube-apiserver refuses until it restarts: set `protocol: {0}`",
            status.version
        )),
        Ok(_) => findings.ok(&format!("`{peer}` answers")),
    }
}

/// What AWS KMS must allow beside the context of the cluster.
pub(super) fn policy(config: &Config, key: &str) -> Option<String> {
    config.reads.iter().find(|peer| peer.kind == Kind::Aws)?;
    let actions = if config.writes.as_ref().is_some_and(|writes| writes.peer.kind == Kind::Aws) {
        r#"["kms:Encrypt", "kms:Decrypt"]"#
    } else {
        r#""kms:Decrypt""#
    };
    let condition =
        |(name, value): (&String, &String)| format!(r#""kms:EncryptionContext:{name}": "{value}""#);
    let conditions: Vec<String> = config.aws_encryption_context.iter().map(condition).collect();
    let condition = match conditions.is_empty() {
        true => String::new(),
        false => format!(",\n \"Condition\": {{\"StringEquals\": {{{}}}}}", conditions.join(", ")),
    };
    Some(format!(
        "\nand for aws-encryption-provider:\n{{\"Effect\": \"Allow\", \"Action\": {actions}, \"Resource\": \"{key}\"{condition}}}"
    ))
}
