//! `at-rest rotate`: a new local key, one proven step after the other, on two API servers.

use std::sync::Arc;

use super::providers::{read, secret};
use crate::control_plane::{ControlPlane, Etcd};
use crate::sandbox::{Run, Sandbox};

struct Cluster {
    etcd: Arc<Etcd>,
    planes: [ControlPlane; 2],
    files: [std::path::PathBuf; 2],
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// Two API servers, each with a copy of this file.
    fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["one.yaml", "two.yaml"].map(|name| folder.path().join(name));
        let etcd = Arc::new(Etcd::start());
        let planes = files.each_ref().map(|file| {
            std::fs::write(file, config).expect("written");
            let more = vec![
                format!("--encryption-provider-config={}", file.display()),
                "--encryption-provider-config-automatic-reload=true".to_owned(),
            ];
            ControlPlane::with(etcd.clone(), more)
        });
        Self { etcd, planes, files, _folder: folder }
    }

    /// Copies the file to one node, as a person does.
    fn copy(&self, node: usize, config: &str) {
        let new = self.files[node].with_extension("new");
        std::fs::write(&new, config).expect("written");
        std::fs::rename(new, &self.files[node]).expect("renamed");
    }

    /// Copies it, and starts that API server again, which is faster than to wait.
    fn load(&mut self, node: usize, config: &str) {
        self.copy(node, config);
        self.planes[node].stop_apiserver();
        self.planes[node].start_apiserver();
        self.planes[node].wait_ready();
    }

    /// The sandbox has the kubeconfig of one API server, whose authority signs only that one.
    fn rotate(&self, sandbox: &Sandbox, more: &[&str]) -> Run {
        let servers = self.planes.each_ref().map(|plane| format!("--api-server={}", plane.server));
        let etcd = format!("--etcd=http://127.0.0.1:{}", self.etcd.port);
        let fixed = ["at-rest", "rotate", "--config=enc.yaml", &servers[0], &servers[1], &etcd];
        let insecure = ["--insecure-skip-tls-verify"];
        sandbox.run(fixed.iter().chain(&insecure).chain(more))
    }
}

#[test]
fn a_key_is_replaced_without_a_moment_in_which_a_server_cannot_read() {
    let sandbox = Sandbox::with_local_key();
    let new = ["at-rest", "config", "new", "--provider=secretbox", "-w", "enc.yaml"];
    sandbox.run(new).succeeds();
    let mut cluster = Cluster::start(&sandbox.read("enc.yaml"));
    let one = &cluster.planes[0];
    let sandbox = sandbox.env("KUBECONFIG", one.kubeconfig("admin").display().to_string());
    for number in 0..5 {
        one.apply(&secret(&format!("s{number}"), "the-value"));
    }

    let run = cluster.rotate(&sandbox, &["--new-key=key2"]).succeeds();
    assert!(
        run.stdout.contains("`key2` is the second key now\nnext: copy `enc.yaml`"),
        "{}",
        run.stdout
    );
    // Nobody has it yet.
    let before = sandbox.read("enc.yaml");
    let error = cluster.rotate(&sandbox, &[]).fails(1);
    let why = "error: the last step is not complete: these servers have not loaded";
    assert!(error.contains(why), "{error}");
    for plane in &cluster.planes {
        assert!(error.contains(&plane.server), "{error}");
    }
    assert_eq!(sandbox.read("enc.yaml"), before, "nothing is changed");
    // kube-apiserver looks at its file each minute.
    cluster.copy(0, &before);
    cluster.copy(1, &before);
    let run = cluster.rotate(&sandbox, &["--wait=2m"]).succeeds();
    assert!(run.stdout.contains("`key2` is the first key now"), "{}", run.stdout);
    let status = cluster.rotate(&sandbox, &["--status"]).succeeds().stdout;
    assert_eq!(status, "step: new-key-first\n");

    // A run that was killed after it saved the plan is finished by the next one.
    let first = sandbox.read("enc.yaml");
    sandbox.write("enc.yaml", &before);
    let run = cluster.rotate(&sandbox, &[]).succeeds();
    assert!(run.stdout.contains("an interrupted step is finished"), "{}", run.stdout);
    assert_eq!(sandbox.read("enc.yaml"), first);

    // One of the two is not enough.
    cluster.load(0, &first);
    let error = cluster.rotate(&sandbox, &[]).fails(1);
    assert!(error.contains(why) && error.contains(&cluster.planes[1].server), "{error}");
    assert!(!error.contains(&cluster.planes[0].server), "{error}");
    cluster.load(1, &first);
    let run = cluster.rotate(&sandbox, &[]).succeeds();
    assert!(
        run.stdout.contains("secrets: 5 re-encrypted\nthe old keys are removed"),
        "{}",
        run.stdout
    );
    for plane in &cluster.planes {
        assert_eq!(read(plane, "s3").as_deref(), Some("the-value"));
    }
    assert!(!sandbox.read("enc.yaml").contains("key1"), "{}", sandbox.read("enc.yaml"));
    for node in 0..2 {
        cluster.load(node, &sandbox.read("enc.yaml"));
    }
    let run = cluster.rotate(&sandbox, &[]).succeeds();
    assert_eq!(run.stdout, "the rotation is complete\n");
    for plane in &cluster.planes {
        assert_eq!(read(plane, "s3").as_deref(), Some("the-value"));
    }
    let plan = sandbox.read("rotation.yaml");
    assert!(plan.contains("step: done") && !plan.contains("secret:"), "{plan}");
    let error = cluster.rotate(&sandbox, &[]).fails(1);
    assert!(
        error.contains("error: the rotation is complete\nhint: to begin another one"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_rotated_is_not_touched() {
    let sandbox = Sandbox::new();
    sandbox.run(["at-rest", "config", "new", "-w", "kms.yaml"]).succeeds();
    let error = sandbox.run(["at-rest", "rotate", "--config=kms.yaml"]).fails(1);
    assert!(error.contains("no entry has a local key in its first provider"), "{error}");
    assert!(!sandbox.work().join("rotation.yaml").exists());
    let error = sandbox.run(["at-rest", "rotate", "--config=missing.yaml"]).fails(1);
    assert!(error.contains("missing.yaml"), "{error}");
    let error = sandbox.run(["at-rest", "rotate", "--config=kms.yaml", "--status"]).fails(1);
    assert!(error.contains("there is no rotation"), "{error}");
    sandbox.write("rotation.yaml", "step: nothing\n");
    let error = sandbox.run(["at-rest", "rotate", "--config=kms.yaml"]).fails(1);
    assert!(error.contains("`rotation.yaml` is not a plan"), "{error}");
}
