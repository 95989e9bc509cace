//! The configuration of the plugin, and the EncryptionConfiguration of kube-apiserver.

use super::options::{AppRole, Vault};
use super::plan::{CONFIG, Plan};
use super::target::Runs;
use super::text::{fill, indent, list, scalar};
use super::{File, unit};

/// The path of the configuration, below the output directory.
pub(super) const NODE_CONFIG: &str = "node/etc/envcrypt/kms.yaml";

/// The EncryptionConfiguration of the first round, below the output directory.
pub(super) const FIRST_ROUND: &str = "first-round.yaml";

/// The path of the configuration on the node.
pub(super) fn path() -> String {
    format!("{CONFIG}/kms.yaml")
}

/// The configuration of the plugin. It contains only paths of secrets.
pub(super) fn kms(plan: &Plan<'_>) -> String {
    fill(
        include_str!("templates/kms.yaml"),
        &[
            ("cluster", &scalar(plan.cluster)),
            ("keks", keks(plan).trim_end()),
            ("socket", plan.socket),
            ("uid", &plan.apiserver_uid.to_string()),
        ],
    )
}

fn keks(plan: &Plan<'_>) -> String {
    let one = |kek: &String, escrow: bool| {
        let mut lines = String::new();
        if let Some(vault) = plan.vault.filter(|_| kek.starts_with("hashivault://")) {
            lines = reach(plan, vault);
        }
        if escrow {
            lines += "escrow: true\n";
        }
        match lines.as_str() {
            "" => format!("- {}\n", scalar(kek)),
            lines => format!("- kek: {}\n{}", scalar(kek), indent(2, lines)),
        }
    };
    let keks = plan.keks.iter().map(|kek| one(kek, false));
    keks.chain(plan.escrow.iter().map(|kek| one(kek, true))).collect()
}

/// How to reach Vault and log in.
fn reach(plan: &Plan<'_>, vault: &Vault) -> String {
    let mut lines = format!("address: {}\n", scalar(&vault.address));
    if let Some(ca) = &vault.ca {
        lines += &format!("ca: {ca}\n");
    }
    if let Some(AppRole { role_id_file, secret_id_file }) = &vault.login {
        let seen = |file: &str| match plan.target.runs() {
            Runs::Pod => file.to_owned(),
            Runs::Unit => unit::credential(file),
        };
        lines += &format!(
            "login:\n  approle:\n    roleIdFile: {}\n    secretIdFile: {}\n",
            seen(role_id_file),
            seen(secret_id_file)
        );
    }
    lines
}

/// The EncryptionConfiguration: kube-apiserver writes with the KMS, and still reads plaintext.
pub(super) fn encryption(plan: &Plan<'_>) -> String {
    let comment =
        "# kube-apiserver encrypts with the KMS, and still reads what is not encrypted.\n";
    let providers = format!("{}- identity: {{}}\n", provider(plan));
    format!("{comment}{}", configuration(plan, &providers))
}

/// The EncryptionConfiguration of the first round: kube-apiserver can read with the KMS, and still
/// writes plaintext. Another API server may write with the KMS only after this.
fn first_round(plan: &Plan<'_>) -> String {
    let comment = "\
# The first round: kube-apiserver can read with the KMS, but it still writes without encryption.
# Every API server must run with this before one of them writes with the KMS.
";
    let providers = format!("- identity: {{}}\n{}", provider(plan));
    format!("{comment}{}", configuration(plan, &providers))
}

fn provider(plan: &Plan<'_>) -> String {
    format!(
        "- kms:\n    apiVersion: v2\n    name: {}\n    endpoint: unix://{}\n    timeout: 3s\n",
        scalar(plan.provider),
        plan.socket
    )
}

fn configuration(plan: &Plan<'_>, providers: &str) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n{}",
        resources(plan, providers)
    )
}

fn resources(plan: &Plan<'_>, providers: &str) -> String {
    format!(
        "resources:\n- resources:\n{}  providers:\n{}",
        indent(2, &list(plan.resources)),
        indent(2, providers)
    )
}

/// The part `resources` of the EncryptionConfiguration, which writes with the KMS.
pub(super) fn encryption_resources(plan: &Plan<'_>) -> String {
    resources(plan, &format!("{}- identity: {{}}\n", provider(plan)))
}

/// The configuration of the plugin, as a file for the node.
pub(super) fn kms_file(plan: &Plan<'_>) -> File {
    File::public(NODE_CONFIG, kms(plan))
}

/// The EncryptionConfiguration as a file for the node.
pub(super) fn encryption_file(plan: &Plan<'_>) -> File {
    File::private(format!("node{}", plan.target.encryption_config()), encryption(plan))
}

/// The EncryptionConfiguration of the first round, as a file.
pub(super) fn first_round_file(plan: &Plan<'_>) -> File {
    File::private(FIRST_ROUND, first_round(plan))
}
