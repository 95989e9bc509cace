//! kind: a configuration that mounts the files into the node.

use crate::deploy::plan::{Plan, parent};
use crate::deploy::text::{fill, indent};
use crate::deploy::unit::{self, PROGRAM, User};
use crate::deploy::{File, config, step};

/// The configuration of kind, below the output directory.
const CONFIG: &str = "kind.yaml";

pub(super) fn files(plan: &Plan<'_>) -> Vec<File> {
    let mut files = vec![
        config::kms_file(plan),
        config::encryption_file(plan),
        unit::file(plan, "kubelet.service", User::Root),
        unit::wanted_by("kubelet.service"),
    ];
    files.push(File::public(CONFIG, kind(plan, &files)));
    files
}

fn kind(plan: &Plan<'_>, files: &[File]) -> String {
    let mount = |host: &str, node: &str| {
        format!("- hostPath: {host}\n  containerPath: {node}\n  readOnly: true\n")
    };
    let file = plan.target.encryption_config();
    let config = parent(&config::path()).to_owned();
    // Directories of their own are mounted whole, and systemd's files one by one.
    let units = files.iter().filter_map(|file| file.path.strip_prefix("node"));
    let units = units.filter(|path| path.starts_with("/etc/systemd/"));
    let mounts: String = [config.as_str(), parent(file)]
        .into_iter()
        .chain(units)
        .map(|path| mount(&format!("./node{path}"), path))
        .chain([mount("./envcrypt-kms", PROGRAM)])
        .collect();
    fill(
        include_str!("../templates/kind.yaml"),
        &[
            ("mounts", indent(2, &mounts).trim_end()),
            ("file", file),
            ("encryption", parent(file)),
            ("directory", plan.socket_directory()),
        ],
    )
}

pub(super) fn steps(plan: &Plan<'_>) -> Vec<String> {
    let mut steps =
        vec!["Put the static program `envcrypt-kms` for Linux into this directory.".to_owned()];
    let login = step::login(plan, 0, "node");
    steps.extend(login.map(|commands| format!("Put the login to Vault there too:{commands}")));
    steps.extend(step::permissions(plan));
    steps.extend([
        format!(
            "Create the cluster in this directory: the paths in {CONFIG} are relative. For more \
             control-plane nodes, repeat the node in {CONFIG}:\n  \
             kind create cluster --config {CONFIG}"
        ),
        "If the plugin does not start, its log says why:\n  \
         docker exec kind-control-plane journalctl -u envcrypt-kms --no-pager"
            .to_owned(),
        step::ready(),
        step::reencrypt(plan),
    ]);
    steps
}
