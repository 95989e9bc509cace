//! K3s and RKE2: a unit of systemd, and a part of their configuration.

use crate::deploy::plan::{Plan, parent};
use crate::deploy::text::fill;
use crate::deploy::unit::{self, User};
use crate::deploy::{File, config, step};

/// What differs between the two.
pub(super) struct Distribution {
    name: &'static str,
    unit: &'static str,
    /// Whether kube-apiserver runs in a pod, which must mount the directories.
    has_pod: bool,
}

/// K3s: kube-apiserver is part of its process.
pub(super) const K3S: Distribution =
    Distribution { name: "k3s", unit: "k3s.service", has_pod: false };

/// RKE2: kube-apiserver runs in a static pod.
pub(super) const RKE2: Distribution =
    Distribution { name: "rke2", unit: "rke2-server.service", has_pod: true };

pub(super) fn files(plan: &Plan<'_>, distribution: &Distribution) -> Vec<File> {
    vec![
        config::first_round_file(plan),
        config::kms_file(plan),
        config::encryption_file(plan),
        unit::user_file(),
        unit::file(plan, distribution.unit, User::Own),
        File::public(
            format!("node/etc/rancher/{}/config.yaml.d/50-envcrypt.yaml", distribution.name),
            arguments(plan, distribution),
        ),
    ]
}

fn arguments(plan: &Plan<'_>, distribution: &Distribution) -> String {
    let file = plan.target.encryption_config();
    let mut text = fill(
        include_str!("../templates/rancher-config.yaml"),
        &[("name", distribution.name), ("file", file)],
    );
    if distribution.has_pod {
        let mount = |directory: &str| format!("- {directory}:{directory}:ro\n");
        text += "kube-apiserver-extra-mount+:\n";
        text += &mount(parent(file));
        text += &mount(plan.socket_directory());
    }
    text
}

pub(super) fn steps(plan: &Plan<'_>, distribution: &Distribution) -> Vec<String> {
    let Distribution { name, unit, .. } = distribution;
    let files = files(plan, distribution);
    let mut steps = vec![own_encryption(plan, distribution), step::program()];
    steps.extend(step::permissions(plan));
    steps.extend(step::login_on_nodes(plan, 0));
    steps.extend([
        step::first_round(plan),
        format!("Copy the files to each server node, as root:{}", step::install(plan, &files)),
        step::start_unit(),
        format!("Restart one server node after the other:\n  systemctl restart {unit}"),
        step::ready(),
        second_round(plan, distribution),
        step::reencrypt(plan),
        format!(
            "Remove the old providers when `verify` finds nothing of theirs. Do not use \
             `{name} secrets-encrypt` any more."
        ),
    ]);
    steps
}

/// Both have their own encryption with a local key, which RKE2 turns on by default.
fn own_encryption(plan: &Plan<'_>, distribution: &Distribution) -> String {
    let name = distribution.name;
    format!(
        "The KMS takes the place of `{name} secrets-encrypt`: only one of them can set the \
         EncryptionConfiguration. Check whether it is enabled:\n  {name} secrets-encrypt status\n\
         If it is, copy its providers into both files, {} and node{}, before `identity`. Without \
         them, kube-apiserver cannot read what they encrypted:\n  \
         cat /var/lib/rancher/{name}/server/cred/encryption-config.json",
        config::FIRST_ROUND,
        plan.target.encryption_config()
    )
}

/// RKE2 mounts each file that a flag names. A replaced file needs a restart to be seen.
fn second_round(plan: &Plan<'_>, distribution: &Distribution) -> String {
    let step = step::second_round(plan);
    match distribution.has_pod {
        true => format!(
            "{step}\nUse `cp`, which keeps the file and changes its text. After `mv` or an editor, \
             restart {}.",
            distribution.unit
        ),
        false => step,
    }
}
