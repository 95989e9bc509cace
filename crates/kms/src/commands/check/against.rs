//! `--against`: what one node writes, the other one must be able to open.

use std::path::Path;

use super::Findings;
use crate::config::{Config, Peer};
use crate::failure::Failure;

/// Compares this node with another one: its configuration, or the name of a peer that runs alone.
///
/// # Errors
/// Returns a [`Failure`] if the configuration of the other node is not valid.
pub(super) fn check(config: &Config, other: &Path, findings: &mut Findings) -> Result<(), Failure> {
    let before = findings.errors;
    match other.to_str().and_then(Peer::named) {
        Some(peer) => peer_alone(config, &peer, findings),
        None => {
            let other = Config::read(other)?;
            for (from, to, whose) in
                [(config, &other, "the other node"), (&other, config, "this node")]
            {
                opens(from, to, whose, findings);
            }
            same_key_id(config, &other, findings);
        }
    }
    if findings.errors == before {
        findings.ok("both nodes open what the other one seals");
    }
    Ok(())
}

/// A peer opens only its own ciphertexts, so they must be written until it is gone.
fn peer_alone(config: &Config, peer: &Peer, findings: &mut Findings) {
    if !config.reads.iter().any(|reads| reads.kind == peer.kind) {
        findings.error(&format!(
            "this node cannot open what `{peer}` wraps on the other node: add it to `reads`"
        ));
    }
    if config.writes.as_ref().is_none_or(|writes| writes.peer.kind != peer.kind) {
        findings.error(&format!(
            "`{peer}` on the other node cannot open what this node seals: set `writes: {peer}` until no node runs it any more"
        ));
    }
}

fn opens(from: &Config, to: &Config, whose: &str, findings: &mut Findings) {
    if let Some(writes) = &from.writes {
        let reads = to.reads.iter().find(|reads| reads.kind == writes.peer.kind);
        opens_peer(from, &writes.peer, reads.map(|reads| (to, reads)), whose, findings);
    }
    // A node that still writes as a peer will not do so for ever.
    if to.cluster != from.cluster && !to.formerly.contains(&from.cluster) {
        findings.error(&format!(
            "{whose} cannot open what is sealed for the cluster `{}`: add it to `formerly` there first",
            from.cluster
        ));
    }
    let is_common = from.keks.iter().any(|kek| to.openers().any(|open| open.id() == kek.uri.id()));
    if !is_common {
        findings.error(&format!(
            "{whose} cannot open what the KEKs of {} wrap: add a common KEK on both first, then remove the old one",
            from.cluster
        ));
    }
}

/// Checks that `reads` of one node opens what the other one writes as a peer.
fn opens_peer(
    from: &Config,
    peer: &Peer,
    reads: Option<(&Config, &Peer)>,
    whose: &str,
    findings: &mut Findings,
) {
    let Some((to, reads)) = reads else {
        findings.error(&format!(
            "{whose} cannot open what is written as `{peer}`: keep it in `reads` until no node writes as it any more, and `kubectl envcrypt at-rest verify` finds nothing of it"
        ));
        return;
    };
    if from.context_of(peer) != to.context_of(reads) {
        findings.error(&format!("{whose} has another `awsEncryptionContext` for `{peer}`"));
    }
    // The sockets of two nodes may have different paths.
    let (written, known) = (from.keks_of(peer), to.keks_of(reads));
    if peer.socket().is_none() && !written.iter().all(|kek| known.contains(kek)) {
        findings.error(&format!("{whose} does not have the KEK that `{peer}` uses"));
    }
}

/// Two nodes that write as the same peer must report the same key id.
fn same_key_id(config: &Config, other: &Config, findings: &mut Findings) {
    let (Some(ours), Some(theirs)) = (&config.writes, &other.writes) else { return };
    if ours.peer.kind != theirs.peer.kind || ours.key_id != theirs.key_id {
        findings.error("both nodes have `writes`, but with another peer or `keyId`: kube-apiserver would find the objects of the other node stale");
    }
}
