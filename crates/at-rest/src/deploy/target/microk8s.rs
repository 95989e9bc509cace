//! MicroK8s: a unit of systemd, and the arguments of kube-apiserver.

use super::systemd::flags;
use crate::deploy::plan::Plan;
use crate::deploy::unit::{self, User};
use crate::deploy::{File, config, step};

/// The file with more arguments, below the output directory.
const ARGUMENTS: &str = "kube-apiserver.args";

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    vec![
        config::first_round_file(plan),
        config::kms_file(plan),
        config::encryption_file(plan),
        unit::user_file(),
        unit::file(plan, "snap.microk8s.daemon-kubelite.service", User::Own),
        File::public(ARGUMENTS, flags(plan)),
    ]
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    let flags = format!(
        "Add the arguments of kube-apiserver once, and restart it, on one node after the \
         other:\n  \
         cat {ARGUMENTS} >> /var/snap/microk8s/current/args/kube-apiserver\n  \
         snap restart microk8s.daemon-kubelite"
    );
    step::with_unit(plan, &files(plan), flags)
}
