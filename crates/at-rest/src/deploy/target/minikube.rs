//! minikube: files that `minikube start` copies into the node.

use crate::deploy::plan::Plan;
use crate::deploy::unit::{self, User};
use crate::deploy::{File, config, step};

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    vec![
        config::kms_file(plan),
        config::encryption_file(plan),
        unit::file(plan, "kubelet.service", User::Root),
        // minikube reloads systemd and starts kubelet, and nothing else.
        unit::wanted_by("kubelet.service"),
    ]
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    let mut steps = vec![
        "Copy the files and the program to where `minikube start` takes them from. It copies them \
         into the node before kubelet starts:\n  \
         mkdir -p ~/.minikube/files/usr/local/bin\n  \
         cp -R node/. ~/.minikube/files/\n  \
         install -m 0755 envcrypt-kms ~/.minikube/files/usr/local/bin/envcrypt-kms"
            .to_owned(),
    ];
    let login = step::login(plan, 0, "~/.minikube/files");
    steps.extend(login.map(|commands| format!("Put the login to Vault there too:{commands}")));
    steps.extend(step::permissions(plan));
    steps.extend([
        format!(
            "Start the cluster. The directory /var/lib/minikube/certs is the one that minikube \
             mounts into kube-apiserver:\n  \
             minikube start \\\n    \
             --extra-config=apiserver.encryption-provider-config={} \\\n    \
             --extra-config=apiserver.encryption-provider-config-automatic-reload=true",
            plan.target.encryption_config()
        ),
        "If the plugin does not start, its log says why:\n  \
         minikube ssh -- sudo journalctl -u envcrypt-kms --no-pager"
            .to_owned(),
        step::ready(),
        step::reencrypt(plan),
    ]);
    steps
}
