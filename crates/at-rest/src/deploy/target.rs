//! The kinds of control plane.

mod daemonset;
mod kind;
mod kops;
mod kubeadm;
mod microk8s;
mod minikube;
mod rancher;
mod systemd;
mod talos;

use std::fmt;
use std::str::FromStr;

use super::File;
use super::plan::Plan;

/// A kind of control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// kubeadm: a static pod, and patches that an upgrade keeps.
    Kubeadm,
    /// kOps: a fragment of the cluster spec.
    Kops,
    /// K3s: a unit of systemd, and a part of its configuration.
    K3s,
    /// RKE2: a unit of systemd, and a part of its configuration.
    Rke2,
    /// Any control plane on hosts with systemd: a unit.
    Systemd,
    /// MicroK8s: a unit of systemd, and the arguments of kube-apiserver.
    Microk8s,
    /// minikube: files that `minikube start` copies into the node.
    Minikube,
    /// kind: a configuration that mounts the files into the node.
    Kind,
    /// Talos Linux 1.14 or newer: a patch of the machine configuration.
    Talos,
    /// A DaemonSet. It starts after the API server, so it needs
    /// [`Options::starts_after_apiserver`](super::Options::starts_after_apiserver).
    Daemonset,
}

/// What runs the plugin on the node.
#[derive(PartialEq, Eq)]
pub(super) enum Runs {
    /// kubelet, from an image.
    Pod,
    /// systemd, from a program.
    Unit,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 10] = [
        Self::Kubeadm,
        Self::Kops,
        Self::K3s,
        Self::Rke2,
        Self::Systemd,
        Self::Microk8s,
        Self::Minikube,
        Self::Kind,
        Self::Talos,
        Self::Daemonset,
    ];

    /// Returns the name, for example `kubeadm`. `FromStr` reads it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubeadm => "kubeadm",
            Self::Kops => "kops",
            Self::K3s => "k3s",
            Self::Rke2 => "rke2",
            Self::Systemd => "systemd",
            Self::Microk8s => "microk8s",
            Self::Minikube => "minikube",
            Self::Kind => "kind",
            Self::Talos => "talos",
            Self::Daemonset => "daemonset",
        }
    }

    pub(super) fn runs(self) -> Runs {
        match self {
            Self::Kubeadm | Self::Kops | Self::Talos | Self::Daemonset => Runs::Pod,
            Self::K3s
            | Self::Rke2
            | Self::Systemd
            | Self::Microk8s
            | Self::Minikube
            | Self::Kind => Runs::Unit,
        }
    }

    /// The directory below which the socket must be. It ends with `/`.
    ///
    /// kOps, minikube and Talos mount no other directory into the API server. systemd makes and
    /// owns directories below `/run`.
    pub(super) fn socket_root(self) -> &'static str {
        match self {
            Self::Kubeadm | Self::Daemonset => "/",
            Self::Kops => "/srv/kubernetes/kube-apiserver/",
            Self::Minikube => "/var/lib/minikube/certs/",
            Self::Talos => "/var/log/audit/kube/",
            Self::K3s | Self::Rke2 | Self::Systemd | Self::Microk8s | Self::Kind => "/run/",
        }
    }

    /// The path of the socket by default.
    pub(super) fn socket(self) -> &'static str {
        match self {
            Self::Kops => "/srv/kubernetes/kube-apiserver/envcrypt/kms.sock",
            Self::Minikube => "/var/lib/minikube/certs/envcrypt/kms.sock",
            Self::Talos => "/var/log/audit/kube/envcrypt/kms.sock",
            _ => "/run/envcrypt/kms.sock",
        }
    }

    /// The path of the EncryptionConfiguration on the node. kOps and Talos write it themselves.
    pub(super) fn encryption_config(self) -> &'static str {
        match self {
            Self::K3s => "/etc/rancher/k3s/encryption/config.yaml",
            Self::Rke2 => "/etc/rancher/rke2/encryption/config.yaml",
            Self::Minikube => "/var/lib/minikube/certs/envcrypt/encryption.yaml",
            _ => "/etc/kubernetes/encryption/config.yaml",
        }
    }

    /// The user ID of kube-apiserver by default.
    pub(super) fn apiserver_uid(self) -> u32 {
        match self {
            Self::Talos => 65_534,
            _ => 0,
        }
    }

    pub(super) fn files(self, plan: &Plan<'_>) -> Vec<File> {
        match self {
            Self::Kubeadm => kubeadm::files(plan),
            Self::Kops => kops::files(plan),
            Self::K3s => rancher::files(plan, &rancher::K3S),
            Self::Rke2 => rancher::files(plan, &rancher::RKE2),
            Self::Systemd => systemd::files(plan),
            Self::Microk8s => microk8s::files(plan),
            Self::Minikube => minikube::files(plan),
            Self::Kind => kind::files(plan),
            Self::Talos => talos::files(plan),
            Self::Daemonset => daemonset::files(plan),
        }
    }

    pub(super) fn steps(self, plan: &Plan<'_>) -> Vec<String> {
        match self {
            Self::Kubeadm => kubeadm::steps(plan),
            Self::Kops => kops::steps(plan),
            Self::K3s => rancher::steps(plan, &rancher::K3S),
            Self::Rke2 => rancher::steps(plan, &rancher::RKE2),
            Self::Systemd => systemd::steps(plan),
            Self::Microk8s => microk8s::steps(plan),
            Self::Minikube => minikube::steps(plan),
            Self::Kind => kind::steps(plan),
            Self::Talos => talos::steps(plan),
            Self::Daemonset => daemonset::steps(plan),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a target.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a valid target: use one of {all}", all = Target::ALL.map(Target::name).join(", "))]
pub struct UnknownTarget(String);

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        let found = Self::ALL.into_iter().find(|target| target.name() == text);
        found.ok_or_else(|| UnknownTarget(text.escape_default().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_one_name() {
        for target in Target::ALL {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        let error = "eks".parse::<Target>().expect_err("unknown").to_string();
        assert!(error.contains("`eks`") && error.contains("kubeadm, kops"), "{error}");
    }
}
