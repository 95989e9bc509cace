//! A cluster with 1,000 Secrets for each contestant, and a command that is measured beside others.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::api_proxy::{ApiProxy, Request};
use crate::control_plane::{ControlPlane, control_plane};
use crate::figures::{median, millis};
use crate::measured::run;
use crate::programs;
use crate::record::Figure;
use crate::replay::Replay;
use crate::sandbox::Sandbox;

/// The namespace of the program and of the raw client.
pub const OURS: &str = "ours";
/// The namespace of kubectl.
pub const THEIRS: &str = "theirs";
const SECRETS: usize = 1000;
/// How many requests of the raw client are under way, as of the program.
const IN_FLIGHT: usize = 16;
/// Other numbers, to see that this one is right.
const WIDTHS: [usize; 5] = [4, 8, 16, 32, 64];
/// The promise: the time of the raw client, times this.
const GOAL: f64 = 1.3;

/// What the cluster has before each run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Empty,
    /// What is in the directories `old`.
    Old,
}

pub struct Case<'a> {
    pub what: &'a str,
    pub state: State,
    pub ours: &'a [&'a str],
    pub theirs: Option<&'a [&'a str]>,
}

pub struct Scene {
    plane: &'static ControlPlane,
    sandbox: Sandbox,
    proxy: ApiProxy,
    rounds: usize,
    /// What each namespace has, if that is known.
    states: [Cell<Option<State>>; 2],
}

impl Scene {
    pub fn new() -> Self {
        let plane = control_plane();
        let sandbox = plane.sandbox("admin");
        for namespace in [OURS, THEIRS] {
            plane.kubectl(["create", "namespace", namespace]).succeeds();
        }
        write_manifests(&sandbox);
        let rounds = std::env::var("ENVCRYPT_LIVE_ROUNDS").ok();
        let rounds = rounds.map_or(5, |text| text.parse().expect("a number"));
        let proxy = ApiProxy::start(plane, "admin");
        Self { plane, sandbox, proxy, rounds, states: Default::default() }
    }

    pub fn measure(&self, case: &Case<'_>) {
        let requests = self.record(case);
        println!("{}: {}", case.what, counts(&requests));
        let mut raw = Replay::new(&self.plane.kubeconfig("admin"), requests);
        let (mut ours, mut raws, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        let (mut processor, mut megabytes) = (Vec::new(), 0.0_f64);
        for _ in 0..self.rounds {
            self.prepare(0, case);
            let finished = run(&self.sandbox, case.ours, &[0, 1]);
            ours.push(finished.time);
            processor.push(finished.processor);
            megabytes = megabytes.max(finished.megabytes);
            self.prepare(0, case);
            raws.push(raw.run(IN_FLIGHT));
            if let Some(args) = case.theirs {
                self.prepare(1, case);
                theirs.push(self.kubectl(args));
            }
        }
        let mut values = vec![("kubectl-envcrypt", seconds(&ours)), ("raw client", seconds(&raws))];
        if case.theirs.is_some() {
            values.push(("kubectl", seconds(&theirs)));
        }
        let what = match case.what {
            what @ "get, one" => format!("{what} of {SECRETS} Secrets"),
            what => format!("{what}, {SECRETS} Secrets"),
        };
        let section = "Cluster";
        let time = Figure { section, what: &what, unit: "s", values: &values, goal: Some(GOAL) };
        time.record();
        println!("{what}: {:.3} s of a processor", seconds(&processor));
        let what = format!("peak memory of {what}");
        let values = [("kubectl-envcrypt", megabytes)];
        Figure { section, what: &what, unit: "MB", values: &values, goal: None }.record();
    }

    /// Prints what more or fewer requests at the same time would change, without the program.
    pub fn measure_widths(&self, case: &Case<'_>) {
        let mut raw = Replay::new(&self.plane.kubeconfig("admin"), self.record(case));
        let mut times = WIDTHS.map(|width| (width, Vec::new()));
        for _ in 0..self.rounds {
            for (width, times) in &mut times {
                self.prepare(0, case);
                times.push(raw.run(*width));
            }
        }
        for (width, times) in times {
            println!(
                "{}: raw client, {width} at the same time: {:.3} s",
                case.what,
                seconds(&times)
            );
        }
    }

    /// The requests of the command, as a proxy sees them.
    fn record(&self, case: &Case<'_>) -> Vec<Request> {
        self.prepare(0, case);
        self.proxy.take();
        let mut command = self.sandbox.command();
        command.args(case.ours).env("KUBECONFIG", self.proxy.kubeconfig());
        let status = command.stdout(Stdio::null()).status().expect("it starts");
        assert!(matches!(status.code(), Some(0 | 1)), "{:?} ended with {status}", case.ours);
        self.changed(0, case);
        self.proxy.take()
    }

    /// Brings one of the two namespaces into the state of the case.
    fn prepare(&self, which: usize, case: &Case<'_>) {
        if self.states[which].get() != Some(case.state) {
            let namespace = [OURS, THEIRS][which];
            let delete = ["delete", "secrets", "--all", "-n", namespace, "--wait=false"];
            self.plane.kubectl(delete).succeeds();
            match (case.state, which) {
                (State::Empty, _) => {}
                (State::Old, 0) => {
                    self.sandbox.run(["apply", "-f", "deploy/old"]).succeeds();
                }
                (State::Old, _) => {
                    self.kubectl(&["apply", "--server-side", "-f", "theirs/old"]);
                }
            }
        }
        self.changed(which, case);
    }

    /// Notes what the namespace has after the command of the case.
    fn changed(&self, which: usize, case: &Case<'_>) {
        let reads = matches!(case.ours[0], "diff" | "get");
        let is_same = reads || case.what == "apply, unchanged";
        self.states[which].set(Some(case.state).filter(|_| is_same));
    }

    fn kubectl(&self, args: &[&str]) -> Duration {
        let mut command = Command::new(programs::find("kubectl"));
        command.arg("--kubeconfig").arg(self.plane.kubeconfig("admin")).args(args);
        command.current_dir(self.sandbox.work()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let status = command.status().expect("kubectl starts");
        assert!(matches!(status.code(), Some(0 | 1)), "{args:?} ended with {status}");
        started.elapsed()
    }
}

/// The manifests of both contestants, old and new, each Secret under a data key of its own.
fn write_manifests(sandbox: &Sandbox) {
    let args = ["create", "db", "-n", OURS, "--kek=local", "--dry-run=client", "-oyaml"];
    let values = ["--from-literal=username=admin", "--generate=password", "--labels=app=live"];
    // Not bound to its name, so that one sealing serves for all at first.
    let scope = ["--scope=cluster"];
    let sealed = sandbox.run(args.iter().chain(&values).chain(&scope)).succeeds().stdout;
    for directory in ["old", "new"] {
        for index in 0..SECRETS {
            let text = sealed.replace("name: db", &format!("name: db-{index:04}"));
            sandbox.write(&format!("deploy/{directory}/{index:04}.yaml"), text);
        }
        sandbox.run(["rotate", "-f", &format!("deploy/{directory}")]).succeeds();
        for index in 0..SECRETS {
            let text = sandbox.read(&format!("deploy/{directory}/{index:04}.yaml"));
            let text = text.replace(&format!("namespace: {OURS}"), &format!("namespace: {THEIRS}"));
            sandbox.write(&format!("theirs/{directory}/{index:04}.yaml"), text);
        }
    }
}

/// For example `3 lists, 1000 GET, 1000 PATCH`.
fn counts(requests: &[Request]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for request in requests {
        let is_list = request.path.contains("limit=");
        *counts.entry(if is_list { "LIST" } else { &request.method }).or_default() += 1;
    }
    let counts = counts.into_iter().map(|(what, count)| format!("{count} {what}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// The median in seconds.
fn seconds(times: &[Duration]) -> f64 {
    median(&millis(times)) / 1000.0
}
