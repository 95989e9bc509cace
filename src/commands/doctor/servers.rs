//! Each API server by itself: whether it encrypts, with which key, and what it still reads.

use std::collections::BTreeMap;

use super::finding::{Findings, Grade};
use crate::failure::Failure;
use crate::session::Session;
use envcrypt_cluster::{Access, ClusterError, Metrics};

/// The rule that lets a user read metrics.
const METRICS_RIGHT: &str =
    "ask for the rule `{nonResourceURLs: [/metrics], verbs: [get]}` in a ClusterRole";

/// `is_proven` says that etcd holds no plain and no stale Secret.
pub async fn check(session: &Session, named: &[String], is_proven: bool, findings: &mut Findings) {
    rights(session, findings).await;
    let servers = match session.target() {
        Ok(target) => target.api_servers(named).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let servers = match servers {
        Ok(servers) => servers,
        Err(failure) => {
            findings.unknown_because("the cluster", "the API servers", &failure);
            return;
        }
    };
    let (mut hashes, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for server in &servers {
        match server.cluster.text("/readyz?verbose", "health").await {
            Ok(text) => ready(&server.name, &text, findings),
            Err(error) => not_ready(&server.name, error, findings),
        }
        match server.cluster.metrics().await {
            Ok(metrics) => {
                secrets(&server.name, &metrics, is_proven, findings);
                reloads(&server.name, &metrics, findings);
                hashes.insert(server.name.clone(), metrics.configuration_hash());
                keys.insert(
                    server.name.clone(),
                    Some(metrics.key_ids()).filter(|ids| !ids.is_empty()),
                );
            }
            Err(error @ ClusterError::Forbidden { .. }) => {
                findings.add(Grade::Unknown, &server.name, error.to_string(), METRICS_RIGHT);
            }
            Err(error) => findings.unknown_because(&server.name, "its metrics", &error.into()),
        }
    }
    agree(&hashes, "the EncryptionConfiguration", findings);
    agree(&keys, "the key id of the KMS provider", findings);
}

/// What the commands of this plugin need in the namespace in use.
async fn rights(session: &Session, findings: &mut Findings) {
    let allowed = async {
        let namespace = session.namespace()?;
        let cluster = session.cluster().await?;
        let mut missing = Vec::new();
        for verb in ["create", "patch", "get", "list"] {
            let namespace = namespace.as_str();
            let access = Access { verb, resource: "secrets", namespace, ..Access::default() };
            if !cluster.may(&access).await? {
                missing.push(verb);
            }
        }
        Ok::<_, Failure>((namespace, missing))
    };
    match allowed.await {
        Ok((namespace, missing)) if missing.is_empty() => {
            findings.ok("your rights", format!("all verbs on Secrets of `{namespace}`"));
        }
        // Nobody needs all of them: to create and apply, two are enough.
        Ok((namespace, missing)) => findings.ok(
            "your rights",
            format!("on Secrets of `{namespace}`, you may not {}", missing.join(", ")),
        ),
        Err(failure) => findings.unknown_because("your rights", "what you may do", &failure),
    }
}

fn ready(server: &str, text: &str, findings: &mut Findings) {
    let line = text.lines().find(|line| line.contains("kms-provider"));
    match line {
        Some(line) if line.starts_with("[+]") => {
            findings.ok(server, "its check of KMS plugins passes");
        }
        Some(_) => not_healthy(server, findings),
        None => findings.ok(server, "it uses no KMS plugin"),
    }
}

/// A server that is not ready says why in its error.
fn not_ready(server: &str, error: ClusterError, findings: &mut Findings) {
    match error.to_string().contains("kms-provider") {
        true => not_healthy(server, findings),
        false => findings.unknown_because(server, "its health", &error.into()),
    }
}

fn not_healthy(server: &str, findings: &mut Findings) {
    findings.add(
        Grade::Proven,
        server,
        "its KMS plugin is not healthy",
        "on that node, run `envcrypt-kms probe` and see the log of the plugin",
    );
}

/// How Secrets were read from etcd and written to it since the start of the server.
fn secrets(server: &str, metrics: &Metrics, is_proven: bool, findings: &mut Findings) {
    let mut seen: BTreeMap<(bool, String), f64> = BTreeMap::new();
    for sample in metrics.samples("apiserver_storage_transformation_operations_total") {
        if sample.label("resource") == Some("secrets") && sample.label("status") == Some("OK") {
            let is_read = sample.label("transformation_type") == Some("from_storage");
            let prefix = sample.label("transformer_prefix").unwrap_or_default();
            let prefix = if prefix == "identity" { "" } else { prefix };
            // A provider with local keys counts each key once more, by its name.
            if !prefix.is_empty() && !prefix.starts_with("k8s:enc:") {
                continue;
            }
            *seen.entry((is_read, prefix.to_owned())).or_default() += sample.value;
        }
    }
    if seen.is_empty() {
        findings.add(
            Grade::Likely,
            server,
            "it does not encrypt Secrets: no provider has read or written one since its start",
            "run `kubectl envcrypt at-rest config new`, then `kubectl envcrypt at-rest deploy`",
        );
        return;
    }
    if seen.contains_key(&(false, String::new())) {
        findings.add(
            Grade::Likely,
            server,
            "it has written Secrets without encryption since its start",
            "put another provider before `identity` in the EncryptionConfiguration",
        );
    }
    // Since its start: etcd tells whether any are left.
    if let Some(reads) = seen.get(&(true, String::new())).filter(|_| !is_proven) {
        findings.add(
            Grade::Likely,
            server,
            format!("it has read Secrets that were not encrypted in etcd, so many times: {reads}"),
            "run `kubectl envcrypt at-rest reencrypt`, and prove it with `at-rest verify`",
        );
    }
    let encrypted: Vec<&str> =
        seen.keys().filter(|(read, p)| *read && !p.is_empty()).map(|(_, p)| p.as_str()).collect();
    match encrypted[..] {
        [] => {}
        [one] => findings.ok(server, format!("it has read encrypted Secrets: {one}")),
        _ if is_proven => {}
        _ => findings.add(
            Grade::Likely,
            server,
            format!("it has read Secrets of several providers: {}", encrypted.join(" ")),
            "run `kubectl envcrypt at-rest reencrypt`",
        ),
    }
}

fn reloads(server: &str, metrics: &Metrics, findings: &mut Findings) {
    let total = "apiserver_encryption_config_controller_automatic_reloads_total";
    let failed = |sample: &envcrypt_cluster::Sample<'_>| {
        sample.label("status") == Some("failure") && sample.value > 0.0
    };
    if metrics.samples(total).any(|sample| failed(&sample)) {
        findings.add(
            Grade::Likely,
            server,
            "it could not reload the EncryptionConfiguration, and has used an old one since",
            "run `kubectl envcrypt at-rest config check FILE` on that node, and see its log",
        );
    }
    let invalid = "apiserver_envelope_encryption_invalid_key_id_from_status_total";
    if metrics.samples(invalid).any(|sample| sample.value > 0.0) {
        findings.add(
            Grade::Likely,
            server,
            "its KMS plugin has reported key ids that are not valid",
            "run `envcrypt-kms probe` on that node",
        );
    }
}

/// All servers must have the same.
fn agree<T: PartialEq>(
    of_server: &BTreeMap<String, Option<T>>,
    what: &str,
    findings: &mut Findings,
) {
    let mut known = of_server.values().flatten();
    let Some(first) = known.next() else { return };
    match of_server.values().flatten().all(|other| other == first) {
        true if of_server.len() > 1 => {
            findings.ok("the cluster", format!("{what} is the same on each API server"));
        }
        true => {}
        false => findings.add(
            Grade::Likely,
            "the cluster",
            format!("{what} differs between the API servers"),
            "wait until all have the new one; if it stays so, compare the files on the nodes",
        ),
    }
}
