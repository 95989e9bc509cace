//! A KMS and an API server that fail in any way, between the program and what it wants. Then it ends
//! with a clear error or with success, and success means that all is as it must be. Once they work
//! again, the same command completes.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::Settings;
use crate::api_proxy::Action;
use crate::cases::{Case, case};
use crate::fault_proxy::Fault;
use crate::faults::{Plan, of_api, of_kms};
use crate::home::Home;
use crate::live_cases::{LIVE, files, live};
use crate::process::{finish_within, start};
use crate::random::Random;
use crate::sandbox::Run;
use crate::servers::{Cluster, Kms};
use crate::tally::Tally;
use crate::trial::Trial;
use crate::vault::ROOT;

/// Commands on files, and commands that only read. Those that write to a cluster come after them.
const CASES: &[Case] = &[
    case(
        "create, in a file",
        "create new -n {ns} --kek {kek} --from-stdin password -w new.yaml",
        |_| {},
    )
    .reads(),
    case("seal, in files", "seal -i -R -f plain --kek {kek}", |home| {
        for name in ["a", "b", "c"] {
            home.sandbox.write(&format!("plain/{name}.yaml"), home.plain(name));
        }
    }),
    case("set, in a file", "set -f deploy/a.yaml --from-stdin password", files).reads(),
    case("rotate, in files", "rotate -R -f deploy", files),
    case("rewrap, in files", "rewrap -R -f deploy --renew", files),
    case("unwrap, files", "unwrap -R -f deploy", files).prints(),
    case("unwrap, many files", "unwrap -R -f deploy", |home| {
        files(home);
        for number in 0..12 {
            let name = format!("more-{number}");
            home.create_in(&format!("deploy/{name}.yaml"), &name, &[]);
        }
    })
    .prints(),
    case("unwrap, live", "unwrap a -n {ns}", live).prints(),
    case("unwrap, one value", "unwrap b user -n {ns}", live).prints(),
    case("get", "get -n {ns} -o name", live).prints(),
    case("diff", "diff -f deploy", |home| {
        files(home);
        home.run("apply -f deploy");
        home.run("rotate -f deploy");
    })
    .prints()
    .exits(1),
];

/// How many runs a case has at once: to prepare one takes longer than a run.
const IN_A_ROW: usize = 4;

/// A case with what its runs send.
struct Target {
    trial: Trial,
    /// The number of its requests to the API server.
    to_api: usize,
    /// The number of its requests to the KMS.
    to_kms: usize,
}

/// The servers.
struct Scene {
    cluster: Rc<Cluster>,
    kms: Rc<Kms>,
}

pub fn run(settings: &Settings, random: &mut Random) -> Tally {
    let mut tally = Tally::of("services that fail");
    let Some(cluster) = settings.cluster() else {
        tally.note("skipped: it needs ENVCRYPT_TEST_SERVERS, which `make torture` sets");
        return tally;
    };
    let scene = Scene { cluster, kms: Kms::start() };
    let mut cases: Vec<_> = CASES.iter().chain(LIVE).map(|case| (case, None)).collect();
    // A short run has a few of them, each seed others.
    for index in (1..cases.len()).rev() {
        cases.swap(index, random.below(index as u64 + 1) as usize);
    }
    let started = Instant::now();
    // Where Secrets of another case are.
    let (mut elsewhere, mut faults) = (None, 0);
    for number in 0..settings.runs {
        if settings.is_over(started, &mut tally) {
            break;
        }
        let index = number / IN_A_ROW % cases.len();
        let (case, target) = &mut cases[index];
        let target = &*target.get_or_insert_with(|| scene.target(case, random));
        faults += scene.one(target, elsewhere.as_deref(), random, &mut tally);
        elsewhere = Some(target.trial.home.namespace.clone());
    }
    tally.note(format!("{faults} requests met a fault"));
    tally
}

impl Scene {
    fn target(&self, case: &'static Case, random: &mut Random) -> Target {
        let trial = Trial::new(case, Home::new(random).in_cluster(&self.cluster).under(&self.kms));
        trial.reset();
        self.kms.proxy.take();
        trial.home.sandbox.pipe(case.input(&trial.home), trial.args());
        let (to_api, to_kms) = (self.cluster.proxy.take().len(), self.kms.proxy.take().0.len());
        Target { trial, to_api, to_kms }
    }

    /// One run. Returns how many requests met a fault.
    fn one(
        &self,
        target: &Target,
        elsewhere: Option<&str>,
        random: &mut Random,
        tally: &mut Tally,
    ) -> usize {
        let trial = &target.trial;
        trial.reset();
        let api =
            (target.to_api > 0 && random.happens(70)).then(|| Plan::new(random, target.to_api));
        let kms = (target.to_kms > 0 && (api.is_none() || random.happens(40)))
            .then(|| Plan::new(random, target.to_kms));
        let log = self.disturb(api, kms, elsewhere, random);
        let mut command = trial.home.sandbox.command();
        let child = start(command.args(trial.args()), trial.case.input(&trial.home));
        let run = finish_within(child, Duration::from_secs(60));
        self.kms.proxy.heal();
        self.cluster.proxy.settle();
        self.cluster.proxy.heal();
        tally.runs += 1;
        let faults = std::mem::take(&mut *log.lock().expect("no panic"));
        tally.untouched += usize::from(faults.is_empty());
        let what = format!("{}, with {}", trial.case.name, faults.join(", "));
        match run {
            None => tally.failure(&format!("{what}: it hangs")),
            Some(run) => judge(trial, &run, &what, tally),
        }
        trial.check(&what, tally);
        trial.complete(&what, tally);
        faults.len()
    }
}

impl Scene {
    /// Lets requests fail by these plans. Returns what was done to them.
    fn disturb(
        &self,
        api: Option<Plan>,
        kms: Option<Plan>,
        elsewhere: Option<&str>,
        random: &mut Random,
    ) -> Arc<Mutex<Vec<String>>> {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        if let Some(mut plan) = api {
            let (mut random, log) = (Random::new(random.next()), log.clone());
            let elsewhere = elsewhere.map(str::to_owned);
            self.cluster.proxy.decide(move |request| {
                if !plan.strikes(&mut random) {
                    return Action::Pass;
                }
                let action = of_api(&mut random, request, elsewhere.as_deref());
                let shown = match &action {
                    Action::Say { bytes, is_seen } => said(bytes) + &format!(", seen: {is_seen}"),
                    action => format!("{action:?}"),
                };
                note(&log, &shown, &format!("{} {}", request.method, request.path));
                action
            });
        }
        if let Some(mut plan) = kms {
            let (mut random, log) = (Random::new(random.next()), log.clone());
            self.kms.proxy.decide(move |operation| {
                let fault = plan.strikes(&mut random).then(|| of_kms(&mut random, operation))?;
                let shown = match &fault {
                    Fault::Say(bytes) => said(bytes),
                    fault => format!("{fault:?}"),
                };
                note(&log, &shown, operation);
                Some(fault)
            });
        }
        log
    }
}

/// The first line of an answer, and the start of its body.
fn said(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes).chars().take(300).collect();
    let first = text.lines().next().unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    format!("{:?}", format!("{first} {body}").chars().take(100).collect::<String>())
}

fn note(log: &Mutex<Vec<String>>, fault: &str, request: &str) {
    log.lock().expect("no panic").push(format!("{fault} for {request}"));
}

/// It says what is true.
fn judge(trial: &Trial, run: &Run, what: &str, tally: &mut Tally) {
    trial.check_output(run, what, tally);
    if format!("{}{}", run.stdout, run.stderr).contains(ROOT) {
        tally.found(&format!("{what}: the token in its output"));
    }
    let is_done = trial.case.is_done(run);
    if is_done && !trial.is_new() {
        tally.loss(&format!("{what}: it succeeds, and not all is new: {}", run.stderr));
    }
    let errors = run.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    if !is_done && errors == 0 {
        tally.failure(&format!("{what}: no error is shown: {:?}: {}", run.code, run.stderr));
    }
}
