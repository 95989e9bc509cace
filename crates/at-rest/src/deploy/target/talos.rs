//! Talos Linux: a patch of the machine configuration.
//!
//! Talos denies the flag `encryption-provider-config` to its users. Since version 1.14, it takes an
//! EncryptionConfiguration as a document of its own.

use crate::deploy::plan::{CONFIG, Plan};
use crate::deploy::text::{fill, indent};
use crate::deploy::{File, config, pod, step};

/// The patch for control-plane nodes, below the output directory.
const PATCH: &str = "talos-controlplane-patch.yaml";

/// The EncryptionConfiguration, below the output directory.
const ENCRYPTION: &str = "talos-etcd-encryption.yaml";

/// Talos makes files only below `/var`.
const NODE_CONFIG: &str = "/var/lib/envcrypt";

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    let patch = fill(
        include_str!("../templates/talos-controlplane-patch.yaml"),
        &[
            ("path", &format!("{NODE_CONFIG}/kms.yaml")),
            ("config", &indent(6, &config::kms(plan))),
            ("pod", indent(2, &pod::manifest(plan, NODE_CONFIG)).trim_end()),
        ],
    );
    let encryption = fill(
        include_str!("../templates/talos-etcd-encryption.yaml"),
        &[("resources", indent(2, &config::encryption_resources(plan)).trim_end())],
    );
    vec![File::public(PATCH, patch), File::private(ENCRYPTION, encryption)]
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    let mut steps = vec![
        "Use Talos 1.14 or newer: older versions do not accept an EncryptionConfiguration."
            .to_owned(),
        "Push the image to a registry that the nodes reach.".to_owned(),
    ];
    steps.extend(step::permissions(plan));
    steps.extend(login(plan));
    steps.extend([
        format!(
            "Start the plugin on each control-plane node:\n  \
             talosctl patch machineconfig --nodes NODE --patch @{PATCH}"
        ),
        "Wait until the plugin runs on each control-plane node:\n  \
         kubectl -n kube-system get pods -l app.kubernetes.io/name=envcrypt-kms"
            .to_owned(),
        format!(
            "Talos always encrypts Secrets with a key of its own, `secretbox` or `aescbc`. Keep \
             that provider, or kube-apiserver cannot read what it encrypted. Move \
             `secretboxEncryptionSecret` and `aescbcEncryptionSecret` of the machine configuration \
             into a document `KubeEtcdEncryptionConfig`, and add the provider `kms` of \
             {ENCRYPTION} as the second one. A patch would join the lists, so edit each \
             control-plane node:\n  \
             talosctl edit machineconfig --nodes NODE"
        ),
        step::ready(),
        "When every API server runs with it, make `kms` the first provider, on one control-plane \
         node after the other:\n  \
         talosctl edit machineconfig --nodes NODE"
            .to_owned(),
        step::reencrypt(plan),
        "Remove the old provider when `verify` finds nothing of it. Before Talos 1.14, its key \
         could not be replaced (siderolabs/talos#8702)."
            .to_owned(),
    ]);
    steps
}

fn login(plan: &Plan<'_>) -> Option<String> {
    let login = plan.login()?;
    let ca = plan.vault.and_then(|vault| vault.ca.as_ref());
    let files = [Some(&login.role_id_file), Some(&login.secret_id_file), ca];
    let files: String = files
        .into_iter()
        .flatten()
        .map(|file| format!("\n  {}", file.replacen(CONFIG, NODE_CONFIG, 1)))
        .collect();
    Some(format!(
        "Add the login to Vault to `machine.files`, with mode 0o444: Talos can set no owner. The \
         machine configuration is secret already:{files}"
    ))
}
