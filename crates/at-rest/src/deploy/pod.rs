//! The pod that runs the plugin.

use std::collections::BTreeSet;

use super::config;
use super::plan::{CONFIG, Plan, parent};
use super::text::{fill, indent};

/// The name of the pod.
pub(super) const NAME: &str = "envcrypt-kms";

/// The manifest of the static pod. `config` is the directory of the configuration on the node.
pub(super) fn manifest(plan: &Plan<'_>, config: &str) -> String {
    let head = include_str!("templates/static-pod.yaml");
    format!("{head}{}", indent(2, &spec(plan, config)))
}

/// The fields of the pod's `spec`, which a static pod and a DaemonSet share.
pub(super) fn spec(plan: &Plan<'_>, config: &str) -> String {
    let uid = plan.pod_uid().to_string();
    let (mounts, volumes) = other_sockets(plan);
    fill(
        include_str!("templates/pod-spec.yaml"),
        &[
            ("image", plan.image),
            ("uid", &uid),
            ("config", CONFIG),
            ("host-config", config),
            ("kms-yaml", &config::path()),
            ("directory", plan.socket_directory()),
            ("mounts", mounts.trim_end()),
            ("volumes", volumes.trim_end()),
        ],
    )
    .replace("\n\n", "\n")
}

/// The mounts and volumes of the sockets of other plugins that are KEKs.
fn other_sockets(plan: &Plan<'_>) -> (String, String) {
    let own = plan.socket_directory();
    let directories: BTreeSet<_> =
        plan.other_sockets().map(parent).filter(|directory| *directory != own).collect();
    let mut mounts = String::new();
    let mut volumes = String::new();
    for (directory, number) in directories.into_iter().zip(1..) {
        mounts +=
            &format!("  - name: kek-{number}\n    mountPath: {directory}\n    readOnly: true\n");
        volumes += &format!(
            "- name: kek-{number}\n  hostPath:\n    path: {directory}\n    type: DirectoryOrCreate\n"
        );
    }
    (mounts, volumes)
}
