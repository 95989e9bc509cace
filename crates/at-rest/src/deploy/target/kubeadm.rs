//! kubeadm: a static pod, and patches that an upgrade keeps.

use crate::deploy::plan::{CONFIG, Plan, parent};
use crate::deploy::text::fill;
use crate::deploy::{File, config, pod, step};

/// The fragment of the ClusterConfiguration, below the output directory.
const CLUSTER_CONFIGURATION: &str = "kubeadm-cluster-configuration.yaml";

/// The directory of the patches on the node.
const PATCHES: &str = "/etc/kubernetes/patches";

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    let patch = |name: &str, template| {
        File::public(format!("node{PATCHES}/{name}"), apiserver(plan, template))
    };
    vec![
        File::public(
            CLUSTER_CONFIGURATION,
            apiserver(plan, include_str!("../templates/kubeadm-cluster-configuration.yaml")),
        ),
        config::first_round_file(plan),
        config::kms_file(plan),
        config::encryption_file(plan),
        // `command` is a list of texts, which only a JSON patch can extend.
        patch(
            "kube-apiserver0+json.yaml",
            include_str!("../templates/kube-apiserver-command.yaml"),
        ),
        patch(
            "kube-apiserver1+strategic.yaml",
            include_str!("../templates/kube-apiserver-volumes.yaml"),
        ),
        File::public(
            "node/etc/kubernetes/manifests/envcrypt-kms.yaml",
            pod::manifest(plan, CONFIG),
        ),
    ]
}

/// Fills in what kube-apiserver needs: a flag, and two directories.
fn apiserver(plan: &Plan<'_>, template: &str) -> String {
    let file = plan.target.encryption_config();
    fill(
        template,
        &[("file", file), ("config", parent(file)), ("directory", plan.socket_directory())],
    )
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    let files = files(plan);
    let mut steps = vec![step::image(plan)];
    steps.extend(step::permissions(plan));
    steps.extend(step::login_on_nodes(plan, plan.pod_uid()));
    steps.extend([
        step::existing(),
        step::first_round(plan),
        format!(
            "Copy the files to each control-plane node, as root. kubelet starts the plugin:{}",
            step::install(plan, &files)
        ),
        "Wait on each control-plane node until the plugin is ready. If it is not, `/healthz` says \
         which KEK fails and why:\n  \
         curl -fsS http://127.0.0.1:9720/readyz\n  \
         curl -sS http://127.0.0.1:9720/healthz"
            .to_owned(),
        format!(
            "Merge {CLUSTER_CONFIGURATION} into the ClusterConfiguration of the cluster, once:\n  \
             kubectl -n kube-system get configmap kubeadm-config \
             -o jsonpath='{{.data.ClusterConfiguration}}' > kubeadm.yaml\n  \
             kubeadm init phase upload-config kubeadm --config kubeadm.yaml"
        ),
        format!(
            "Copy kubeadm.yaml to each control-plane node. Write the new manifest of \
             kube-apiserver, on one node after the other:\n  \
             kubeadm init phase control-plane apiserver --config kubeadm.yaml --patches {PATCHES}"
        ),
        step::ready(),
        step::second_round(plan),
        step::reencrypt(plan),
        format!(
            "From now on, give every upgrade the patches:\n  \
             kubeadm upgrade apply VERSION --patches {PATCHES}\n  \
             kubeadm upgrade node --patches {PATCHES}"
        ),
    ]);
    steps
}
