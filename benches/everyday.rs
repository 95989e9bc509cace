//! What is done to a whole repository: `check` of 10,000 files. `make bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/measured.rs"]
mod measured;
#[path = "figures/record.rs"]
mod record;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;

use measured::run;
use sandbox::Sandbox;

const FILES: usize = 10_000;

fn main() {
    check();
}

/// A repository: mostly other manifests, a tenth of them sealed Secrets.
fn check() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["username=admin", "password=correct horse battery staple"]);
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env:\n        - name: A\n          valueFrom: {secretKeyRef: {name: db, key: a}}\n";
    let deployments = format!("{deployment}---\n{deployment}");
    for index in 0..FILES {
        let text = if index % 10 == 0 { &sealed } else { &deployments };
        sandbox.write(&format!("repository/{}/{index}.yaml", index / 100), text);
    }
    let checked = run(&sandbox, &["check", "repository"], &[0]);
    let what = format!("check of {FILES} files, {} of them sealed Secrets", FILES / 10);
    checked.record("check", &what, None);
}
