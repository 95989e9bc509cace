//! The systemd unit that runs the plugin.

use super::File;
use super::config;
use super::plan::{Plan, name};
use super::text::fill;

/// The path of the program on a node.
pub(super) const PROGRAM: &str = "/usr/local/bin/envcrypt-kms";

/// The name of the unit.
const NAME: &str = "envcrypt-kms.service";

/// Who runs the plugin on a node with systemd.
pub(super) enum User {
    /// A user of its own, which `systemd-sysusers` makes.
    Own,
    /// Root without any capability: a development node starts before a user can be made.
    Root,
}

/// Returns the path at which the unit sees a file of the login.
pub(super) fn credential(file: &str) -> String {
    format!("/run/credentials/{NAME}/{}", name(file))
}

/// The unit, as a file for the node. `before` is the unit that starts kube-apiserver.
pub(super) fn file(plan: &Plan<'_>, before: &str, user: User) -> File {
    let (user, comment) = match user {
        User::Own => ("envcrypt", ""),
        User::Root => ("root", "# Root, but without any capability.\n"),
    };
    let unit = fill(
        include_str!("templates/envcrypt-kms.service"),
        &[
            ("before", before),
            ("user-comment", comment),
            ("user", user),
            ("program", PROGRAM),
            ("kms-yaml", &config::path()),
            ("credentials", &credentials(plan)),
            ("directory", &directory(plan)),
        ],
    );
    File::public(format!("node/etc/systemd/system/{NAME}"), unit)
}

/// The user of the unit, as a file for the node.
pub(super) fn user_file() -> File {
    File::public("node/etc/sysusers.d/envcrypt.conf", "u envcrypt - \"envcrypt-kms\"\n")
}

/// A part of another unit, which makes it start the plugin first.
pub(super) fn wanted_by(unit: &str) -> File {
    let content = format!("[Unit]\nWants={NAME}\nAfter={NAME}\n");
    File::public(format!("node/etc/systemd/system/{unit}.d/20-envcrypt.conf"), content)
}

fn credentials(plan: &Plan<'_>) -> String {
    let Some(login) = plan.login() else { return String::new() };
    let line = |file: &str| format!("LoadCredential={}:{file}\n", name(file));
    format!(
        "# systemd reads these as root. Only the plugin sees its copies.\n{}{}",
        line(&login.role_id_file),
        line(&login.secret_id_file)
    )
}

/// The directory of the socket, which systemd makes.
fn directory(plan: &Plan<'_>) -> String {
    let path = plan.socket_directory();
    if let Some(name) = path.strip_prefix("/var/lib/") {
        return format!("StateDirectory={name}\nStateDirectoryMode=0750");
    }
    // `Plan` allows no other directory for a target with a unit.
    let name = path.trim_start_matches("/run/");
    format!(
        "RuntimeDirectory={name}\nRuntimeDirectoryMode=0750\n\
         # The API server keeps the directory open, so it must outlive this unit.\n\
         RuntimeDirectoryPreserve=yes"
    )
}
