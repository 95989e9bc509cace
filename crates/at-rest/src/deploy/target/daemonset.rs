//! A DaemonSet, which starts after the API server.

use super::systemd::add_flags;
use crate::deploy::plan::{CONFIG, Plan};
use crate::deploy::text::indent;
use crate::deploy::{File, config, pod, step};

/// The manifest, below the output directory.
const MANIFEST: &str = "daemonset.yaml";

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    let head = include_str!("../templates/daemonset.yaml");
    vec![
        config::first_round_file(plan),
        config::kms_file(plan),
        config::encryption_file(plan),
        File::public(MANIFEST, format!("{head}{}", indent(6, &pod::spec(plan, CONFIG)))),
    ]
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    let files = files(plan);
    let mut steps = vec![
        "This plugin starts after the API server. If all nodes stop at the same time, no API \
         server can read a Secret until the plugin runs, and kubelet needs an API server to start \
         it."
        .to_owned(),
        step::image(plan),
    ];
    steps.extend(step::permissions(plan));
    steps.extend(step::login_on_nodes(plan, plan.pod_uid()));
    steps.extend([
        step::existing(),
        step::first_round(plan),
        format!(
            "Copy the files to each control-plane node, as root. A ConfigMap would not be there \
             when the pod starts again without an API server:{}",
            step::install(plan, &files)
        ),
        format!(
            "Start the plugin, and wait for it:\n  \
             kubectl apply -f {MANIFEST}\n  \
             kubectl -n kube-system rollout status daemonset/{}",
            pod::NAME
        ),
        add_flags(plan),
        step::ready(),
        step::second_round(plan),
        step::reencrypt(plan),
    ]);
    steps
}
