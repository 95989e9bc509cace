//! Every command line of `docs/at-rest.md` is run here, in its order, as an administrator would: in
//! a terminal, with an etcd and a kube-apiserver that are there for nothing else.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use crate::control_plane::{ControlPlane, Etcd};
use crate::kms_server::program;
use crate::programs::find;
use crate::readme::{commands, install, run_line};
use crate::sandbox::{Sandbox, own};
use crate::server::{Server, free_port, http_get, wait_until};

const PAGE: &str = include_str!("../../../docs/at-rest.md");
const ALERTS: &str = include_str!("../../../deploy/alerts.yaml");
/// The file that the page makes and changes. Here, kube-apiserver reads it where it is.
const CONFIG: &str = "encryption-config.yaml";

#[test]
fn every_command_line_of_the_page_works() {
    let mut lab = Lab::start();
    let mut outputs = Vec::new();
    for line in commands(PAGE) {
        lab.before(&line);
        let output = run_line(&lab.sandbox, &lab.local(&line), &[]);
        lab.after(&line);
        outputs.push((line, output));
    }
    // In the order of the page.
    let expected = [
        ("etcdctl get", "1\r\n"),
        ("kubectl envcrypt at-rest verify", "plain: secrets/default/db (plain)"),
        ("kubectl envcrypt at-rest verify", "plain: secrets/default/db (plain)"),
        ("kubectl envcrypt at-rest reencrypt", "secrets: 1 re-encrypted, 1 unchanged"),
        ("kubectl envcrypt at-rest verify", "  2  secretbox, key `key1`"),
        ("kubectl envcrypt at-rest rotate", "is the second key now"),
        ("kubectl envcrypt at-rest rotate", "is the first key now"),
        ("kubectl envcrypt at-rest rotate", "the old keys are removed"),
        ("kubectl envcrypt at-rest rotate", "the rotation is complete"),
        ("envcrypt-kms check", "wraps and unwraps in"),
        ("envcrypt-kms probe", "the same seed"),
        ("kubectl envcrypt at-rest reencrypt", "secrets: 2 re-encrypted"),
        ("kubectl envcrypt at-rest verify", "  2  kms v2 `envcrypt`, key id envcrypt1-"),
        ("etcdctl get", "cluster:  lab"),
        ("kubectl envcrypt at-rest verify", "residue: secrets/default/db"),
        ("kubectl envcrypt at-rest verify", "residue of plain Secrets: 0"),
        ("kubectl envcrypt at-rest verify", "residue of plain Secrets: 0"),
        ("kubectl envcrypt unwrap", "hunter2"),
        ("kubectl envcrypt doctor", "every Secret is encrypted in the way in which new ones are"),
    ];
    let mut rest = outputs.iter();
    for (start, text) in expected {
        let found = rest.any(|(line, output)| line.starts_with(start) && output.contains(text));
        assert!(found, "no `{start}` with {text:?} in its place: {outputs:#?}");
    }
    assert!(outputs.len() >= 40, "{}", outputs.len());
    lab.alerts_name_metrics();
}

/// A control plane, and the machine of an administrator.
struct Lab {
    sandbox: Sandbox,
    plane: ControlPlane,
    _plugin: Option<Server>,
    plugin_port: u16,
}

impl Lab {
    fn start() -> Self {
        let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
        let kek =
            "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let digest = "0123456789abcdef".repeat(4);
        let sandbox = Sandbox::new()
            .env("KUBECONFIG", plane.kubeconfig("admin").display().to_string())
            .env("ETCDCTL_ENDPOINTS", format!("http://127.0.0.1:{}", plane.etcd.port))
            .env("KEK", kek)
            .env("IMAGE", format!("registry.example.com/envcrypt-kms@sha256:{digest}"));
        install(&sandbox, &[("etcdctl", find("etcdctl")), ("envcrypt-kms", program())]);
        Self { sandbox, plane, _plugin: None, plugin_port: free_port() }
    }

    /// A text of the page with the addresses and paths of this lab.
    fn local(&self, text: &str) -> String {
        let etcd = format!("http://127.0.0.1:{}", self.plane.etcd.port);
        text.replace("http://127.0.0.1:2379", &etcd)
            .replace("https://127.0.0.1:6443", &self.plane.server)
            .replace("127.0.0.1:9720", &format!("127.0.0.1:{}", self.plugin_port))
            .replace("/run/envcrypt/kms.sock", &self.socket().display().to_string())
            .replace("/var/lib/etcd", &self.plane.etcd.data().display().to_string())
    }

    /// In a directory that nobody else can write to.
    fn socket(&self) -> PathBuf {
        self.sandbox.work().with_file_name("kms.sock")
    }

    /// What the page lets a person do before this line.
    fn before(&self, line: &str) {
        if line.starts_with("envcrypt-kms check") {
            self.write_plugin_configuration();
        }
    }

    /// What the page lets a person do after this line, on a node or in a second terminal.
    fn after(&mut self, line: &str) {
        let changes = ["kubectl envcrypt at-rest config new", "kubectl envcrypt at-rest rotate"];
        if changes.iter().any(|start| line.starts_with(start)) && !line.contains("--status") {
            self.load();
        } else if line.starts_with("envcrypt-kms check") {
            self.start_plugin();
        } else if line.starts_with("envcrypt-kms probe") {
            self.put_plugin_first();
            self.load();
        }
    }

    /// A restart is faster than the minute after which kube-apiserver reads its file again.
    fn load(&mut self) {
        let file = self.sandbox.work().join(CONFIG);
        self.plane.restart_with(vec![
            format!("--encryption-provider-config={}", file.display()),
            "--encryption-provider-config-automatic-reload=true".to_owned(),
        ]);
    }

    /// The file `kms.yaml` of the page, with the key of this machine.
    fn write_plugin_configuration(&self) {
        let block = PAGE.split("```yaml\n# kms.yaml\n").nth(1).expect("the page has it");
        let text = block.split("```").next().expect("the block");
        let identity = self.sandbox.config().join("identities/local.txt").display().to_string();
        let text = self
            .local(text)
            .replace("age:age1…", &own(&self.sandbox))
            .replace("/root/.config/envcrypt/identities/local.txt", &identity)
            .replace("allowUids: [0]", &format!("allowUids: [{}]", nix::unistd::getuid()));
        let path = self.sandbox.write("kms.yaml", text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("set");
    }

    fn start_plugin(&mut self) {
        let [config, log] = ["kms.yaml", "kms.log"].map(|name| self.sandbox.work().join(name));
        let args = ["serve".to_owned(), "--config".to_owned(), config.display().to_string()];
        self._plugin = Some(Server::start(&program(), args, &log));
        let socket = self.socket();
        wait_until("envcrypt-kms", &log, || {
            let probe = Command::new(program()).args(["probe", "--socket"]).arg(&socket).output();
            probe.is_ok_and(|output| output.status.success())
        });
    }

    /// Edits the EncryptionConfiguration as the page says.
    fn put_plugin_first(&self) {
        let kms = PAGE.lines().find(|line| line.starts_with("  - kms: {"));
        let kms = self.local(kms.expect("the page has it"));
        let old = self.sandbox.read(CONFIG);
        let new = old.replacen("  providers:\n", &format!("  providers:\n{kms}\n"), 1);
        assert_ne!(new, old);
        self.sandbox.write(CONFIG, new);
    }

    /// The rules are those of the page, and each metric in them exists.
    fn alerts_name_metrics(&self) {
        // The rest is of the controller.
        let alerts = ALERTS.split("# For envcrypt-controller").next().expect("a group");
        assert!(PAGE.contains(alerts), "copy the group of deploy/alerts.yaml into docs/at-rest.md");
        let metrics = http_get(self.plugin_port, "/metrics");
        let words = alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names: Vec<_> = words.filter(|word| word.starts_with("envcrypt_kms_")).collect();
        assert!(names.len() >= 5, "{names:?}");
        for name in names {
            assert!(metrics.contains(name), "no {name}: {metrics}");
        }
    }
}
