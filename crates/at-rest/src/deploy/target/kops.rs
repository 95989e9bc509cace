//! kOps: a fragment of the cluster spec.

use crate::deploy::plan::{CONFIG, Plan};
use crate::deploy::text::{fill, indent};
use crate::deploy::{File, aws, config, pod, step};

/// The fragment of the cluster spec, below the output directory.
const SPEC: &str = "kops-cluster-spec.yaml";

/// The last EncryptionConfiguration, below the output directory. kOps stores it as a secret.
const ENCRYPTION: &str = "encryption-config.yaml";

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    vec![
        File::public(SPEC, spec(plan)),
        config::first_round_file(plan),
        File::private(ENCRYPTION, config::encryption(plan)),
    ]
}

fn spec(plan: &Plan<'_>) -> String {
    let policies = aws::statements(plan).map(|statements| {
        format!(
            "  # The plugin may use the keys for this cluster only.\n  additionalPolicies:\n    \
             control-plane: |\n{}",
            indent(6, &statements)
        )
    });
    fill(
        include_str!("../templates/kops-cluster-spec.yaml"),
        &[
            ("policies", &policies.unwrap_or_default()),
            ("kms-yaml", &config::path()),
            ("config", &indent(6, &config::kms(plan))),
            ("pod", indent(6, &pod::manifest(plan, CONFIG)).trim_end()),
        ],
    )
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    let update = "kops update cluster --yes\n  \
                  kops rolling-update cluster --instance-group-roles control-plane --yes";
    let mut steps = vec![
        "Push the image to a registry that the nodes reach.".to_owned(),
        format!(
            "Merge {SPEC} into the cluster spec. If instance groups have the role `APIServer`, add \
             that role to both files, and `apiserver` to the policies:\n  kops edit cluster"
        ),
    ];
    steps.extend(login(plan));
    steps.extend([
        step::existing(),
        format!(
            "Start the plugin on each control-plane node, and let kube-apiserver read with the \
             KMS. A cluster with one control-plane node can use {ENCRYPTION} at once:\n  \
             kops create secret encryptionconfig -f {}\n  {update}",
            config::FIRST_ROUND
        ),
        step::ready(),
        format!(
            "Write with the KMS:\n  \
             kops create secret encryptionconfig --force -f {ENCRYPTION}\n  {update}"
        ),
        step::reencrypt(plan),
    ]);
    steps
}

/// kOps has no store for such files that is not in plain text.
fn login(plan: &Plan<'_>) -> Option<String> {
    let login = plan.login()?;
    Some(format!(
        "Put the login to Vault on each control-plane node before the next step, with your image \
         or your secret store. A cluster spec would show it to everyone who reads the state \
         store. The owner is the user {uid}, the mode 0400:\n  {}\n  {}",
        login.role_id_file,
        login.secret_id_file,
        uid = plan.pod_uid()
    ))
}
