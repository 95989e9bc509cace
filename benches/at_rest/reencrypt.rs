//! `at-rest reencrypt` beside `kubectl get | kubectl replace`: before each, kube-apiserver starts
//! with the other one of two KMS providers first, so that each Secret has to be written.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};

use crate::control_plane::{ControlPlane, Etcd};
use crate::counted::Counted;
use crate::figures::{float, median};
use crate::latency::secret;
use crate::plane::{Block, Provider, client, configure, runtime};
use crate::plugin::{Kind, Plugin};
use crate::programs::find;
use crate::record::Figure;
use crate::sandbox::PROGRAM;
use crate::{SECTION, Scale};

const WRITERS: usize = 16;
const NAMES: [&str; 2] = ["first", "second"];

/// Two plugins. The one whose turn it is encrypts, and the other one can still decrypt.
struct Bench {
    plane: ControlPlane,
    plugins: [Plugin; 2],
    directory: tempfile::TempDir,
    turn: usize,
}

/// Seconds, and megabytes that the client received.
#[derive(Default)]
struct Figures {
    seconds: Vec<f64>,
    received: Vec<f64>,
}

pub fn measure(scale: &Scale) {
    let mut bench = Bench::start();
    bench.create(scale.secrets);
    let counted = Counted::start(&bench.plane);
    let kubeconfig = counted.kubeconfig();
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    for _ in 0..scale.repeats {
        let commands = [(&mut ours, reencrypt(&kubeconfig)), (&mut theirs, replace(&kubeconfig))];
        for (figures, mut command) in commands {
            bench.turn();
            counted.received();
            let time = run(&mut command, bench.directory.path());
            figures.seconds.push(time.as_secs_f64());
            figures.received.push(float(counted.received()) / 1e6);
            bench.check(scale.secrets);
        }
    }
    let what = |measure: &str| format!("store {} Secrets of 1 KiB again: {measure}", scale.secrets);
    for (what, unit, ours, theirs) in [
        (what("time"), "s", &ours.seconds, &theirs.seconds),
        (what("received"), "MB", &ours.received, &theirs.received),
    ] {
        let values =
            [("kubectl-envcrypt", median(ours)), ("kubectl get | kubectl replace", median(theirs))];
        Figure { section: SECTION, what: &what, unit, values: &values, goal: None }.record();
    }
}

fn reencrypt(kubeconfig: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["at-rest", "reencrypt", "secrets", "--kubeconfig", kubeconfig]);
    command
}

fn replace(kubeconfig: &str) -> Command {
    let mut command = Command::new("sh");
    let script =
        r#""$0" --kubeconfig "$1" get secrets -A -o json | "$0" --kubeconfig "$1" replace -f -"#;
    command.args(["-c", script]).arg(find("kubectl")).arg(kubeconfig);
    command
}

fn run(command: &mut Command, home: &Path) -> Duration {
    command.env("HOME", home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let output = command.output().expect("it starts");
    let time = started.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    time
}

impl Bench {
    fn start() -> Self {
        let plugins = [Kind::Ours, Kind::Ours].map(Plugin::start);
        let directory = tempfile::tempdir().expect("a directory");
        let argument = configuration(&plugins, 0, directory.path());
        let plane = ControlPlane::with(Arc::new(Etcd::start()), vec![argument]);
        Self { plane, plugins, directory, turn: 0 }
    }

    fn create(&self, count: usize) {
        runtime().block_on(async {
            let api = Api::<Secret>::namespaced(client(&self.plane).await, "default");
            let writer = async |first: usize| {
                for number in (first..count).step_by(WRITERS) {
                    let new = secret(&name(number));
                    api.create(&PostParams::default(), &new).await.expect("created");
                }
            };
            join_all((0..WRITERS).map(writer)).await;
        });
    }

    /// The other provider encrypts from now on.
    fn turn(&mut self) {
        self.turn = 1 - self.turn;
        let argument = configuration(&self.plugins, self.turn, self.directory.path());
        self.plane.restart_with(vec![argument]);
    }

    /// Each Secret is under the provider whose turn it is.
    fn check(&self, count: usize) {
        let prefix = format!("k8s:enc:kms:v2:{}:", NAMES[self.turn]);
        for number in [0, count / 2, count - 1] {
            let stored = self.plane.in_etcd("default", &name(number));
            assert!(stored.starts_with(prefix.as_bytes()), "{} is stale", name(number));
        }
    }
}

fn name(number: usize) -> String {
    format!("secret-{number:05}")
}

fn configuration(plugins: &[Plugin; 2], first: usize, directory: &Path) -> String {
    let provider = |index: usize| Provider::Kms(NAMES[index], plugins[index].socket());
    let providers = vec![provider(first), provider(1 - first)];
    configure(&directory.join("encryption.yaml"), &[Block { resource: "secrets", providers }])
}
