//! Any control plane on hosts with systemd.

use crate::deploy::plan::Plan;
use crate::deploy::unit::{self, User};
use crate::deploy::{File, config, step};

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    vec![
        config::first_round_file(plan),
        config::kms_file(plan),
        config::encryption_file(plan),
        unit::user_file(),
        unit::file(plan, "kubelet.service kube-apiserver.service", User::Own),
    ]
}

/// The flags of kube-apiserver, one in each line.
pub(super) fn flags(plan: &Plan<'_>) -> String {
    format!(
        "--encryption-provider-config={}\n--encryption-provider-config-automatic-reload=true\n",
        plan.target.encryption_config()
    )
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    step::with_unit(plan, &files(plan), add_flags(plan))
}

/// Adds the flags to kube-apiserver, wherever it runs.
pub(super) fn add_flags(plan: &Plan<'_>) -> String {
    format!(
        "Add these flags to kube-apiserver and restart it, on one control-plane node after the \
         other. If it runs in a container, mount the directories {} and {} read-only:\n  {}",
        crate::deploy::plan::parent(plan.target.encryption_config()),
        plan.socket_directory(),
        flags(plan).trim_end().replace('\n', "\n  ")
    )
}
