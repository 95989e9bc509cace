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
    let files = files(plan);
    let mut steps = vec![step::program()];
    steps.extend(step::permissions(plan));
    steps.extend(step::login_on_nodes(plan, 0));
    steps.extend([
        step::existing(),
        step::first_round(plan),
        format!(
            "Copy the files to each control-plane node, as root:{}",
            step::install(plan, &files)
        ),
        step::start_unit(),
        format!(
            "Add the arguments of kube-apiserver once, and restart it, on one node after the \
             other:\n  \
             cat {ARGUMENTS} >> /var/snap/microk8s/current/args/kube-apiserver\n  \
             snap restart microk8s.daemon-kubelite"
        ),
        step::ready(),
        step::second_round(plan),
        step::reencrypt(plan),
    ]);
    steps
}
