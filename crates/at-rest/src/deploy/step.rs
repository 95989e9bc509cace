//! Steps that several targets share.

use super::File;
use super::aws;
use super::config::FIRST_ROUND;
use super::plan::{Plan, name};
use super::unit::PROGRAM;

/// The commands that put the files for a node in place, without the last EncryptionConfiguration:
/// that of the first round is there.
pub(super) fn install(plan: &Plan<'_>, files: &[File]) -> String {
    let last = plan.target.encryption_config();
    let one = |file: &File| {
        let path = file.path.strip_prefix("node").filter(|path| *path != last)?;
        Some(format!("\n  install -D -m 0{:o} {} {path}", file.mode, file.path))
    };
    files.iter().filter_map(one).collect()
}

/// The option of `install` that sets the owner.
fn owner(uid: u32) -> String {
    match uid {
        0 => String::new(),
        uid => format!("-o {uid} "),
    }
}

/// Allows the plugin to use its keys.
pub(super) fn permissions(plan: &Plan<'_>) -> Option<String> {
    aws::statements(plan).map(|_| {
        format!(
            "Attach the policy in {} to the identity of the plugin in AWS. This is mostly the IAM \
             role of the control-plane nodes. The policy allows the use of the keys for the \
             cluster `{}` only.",
            aws::FILE,
            plan.cluster
        )
    })
}

/// Writes the files of the login to Vault, for the user ID of a pod or for systemd. `root` is the
/// directory that stands for the root directory of the node.
pub(super) fn login(plan: &Plan<'_>, uid: u32, root: &str) -> Option<String> {
    let login = plan.login()?;
    let owner = owner(uid);
    let secret = |file: &str| format!("\n  install -D {owner}-m 0400 {} {root}{file}", name(file));
    let ca = plan.vault.and_then(|vault| vault.ca.as_deref());
    let ca = ca.map(|ca| format!("\n  install -D -m 0644 {} {root}{ca}", name(ca)));
    Some(format!(
        "{}{}{}",
        secret(&login.role_id_file),
        secret(&login.secret_id_file),
        ca.unwrap_or_default()
    ))
}

/// The same for each control-plane node, as a step.
pub(super) fn login_on_nodes(plan: &Plan<'_>, uid: u32) -> Option<String> {
    let commands = login(plan, uid, "")?;
    Some(format!("Put the login to Vault on each control-plane node, as root:{commands}"))
}

/// Gets the image onto the nodes.
pub(super) fn image(plan: &Plan<'_>) -> String {
    let name = plan.image.split('@').next().unwrap_or(plan.image);
    format!(
        "Push the image to a registry that the nodes reach, or import it on each control-plane \
         node:\n  ctr -n k8s.io images import --digests --base-name {name} \
         envcrypt-kms-VERSION-linux-ARCH.tar"
    )
}

/// Installs the program of a unit.
pub(super) fn program() -> String {
    format!(
        "Install the program on each control-plane node:\n  install -m 0755 envcrypt-kms {PROGRAM}"
    )
}

/// Starts the unit and tests its KEKs.
pub(super) fn start_unit() -> String {
    "Make the user, test the KEKs and start the plugin on each control-plane node:\n  \
     systemd-sysusers\n  \
     systemctl daemon-reload\n  \
     systemctl enable --now envcrypt-kms.service\n  \
     curl -fsS http://127.0.0.1:9720/readyz"
        .to_owned()
}

/// The EncryptionConfiguration that the cluster has until now.
pub(super) fn existing() -> String {
    format!(
        "If kube-apiserver already has an EncryptionConfiguration, keep its providers: copy them \
         into both files, {FIRST_ROUND} and the last one, before `identity`. Without them, \
         kube-apiserver cannot read what they encrypted."
    )
}

/// Puts the EncryptionConfiguration of the first round in place.
pub(super) fn first_round(plan: &Plan<'_>) -> String {
    let path = plan.target.encryption_config();
    let owner = owner(plan.apiserver_uid);
    format!(
        "Put the EncryptionConfiguration of the first round in place on each control-plane \
         node:\n  install -D {owner}-m 0600 {FIRST_ROUND} {path}"
    )
}

/// Checks that kube-apiserver reaches the plugin.
pub(super) fn ready() -> String {
    "Check each API server before you go on. The line `kms-providers` must be `ok`:\n  \
     kubectl get --raw '/readyz?verbose' | grep kms"
        .to_owned()
}

/// Puts the last EncryptionConfiguration in place.
pub(super) fn second_round(plan: &Plan<'_>) -> String {
    let path = plan.target.encryption_config();
    format!(
        "When every API server runs with it, write with the KMS. Copy the last \
         EncryptionConfiguration to each control-plane node. kube-apiserver reads it within about \
         a minute:\n  cp node{path} {path}"
    )
}

/// All steps of a target where a unit of systemd runs the plugin. `flags` says how kube-apiserver
/// gets its flags.
pub(super) fn with_unit(plan: &Plan<'_>, files: &[File], flags: String) -> Vec<String> {
    let mut steps = vec![program()];
    steps.extend(permissions(plan));
    steps.extend(login_on_nodes(plan, 0));
    steps.extend([
        existing(),
        first_round(plan),
        format!("Copy the files to each control-plane node, as root:{}", install(plan, files)),
        start_unit(),
        flags,
        ready(),
        second_round(plan),
        reencrypt(plan),
    ]);
    steps
}

/// Encrypts what is stored already, and proves it.
pub(super) fn reencrypt(plan: &Plan<'_>) -> String {
    let quoted = |name: &String| match name.contains('*') {
        true => format!("'{name}'"),
        false => name.clone(),
    };
    let resources: Vec<String> = plan.resources.iter().map(quoted).collect();
    let resources = resources.join(" ");
    format!(
        "Encrypt what is stored already, then look into etcd:\n  \
         kubectl envcrypt at-rest reencrypt {resources}\n  \
         kubectl envcrypt at-rest verify {resources} --etcd URL"
    )
}
