//! Ends every command that writes at a random moment. Then each file is wholly old or wholly new,
//! and the next run completes.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::Settings;
use crate::cases::{CASES, Case};
use crate::home::Home;
use crate::process::{Moment, can_trace, count_calls, end_at};
use crate::random::Random;
use crate::tally::Tally;
use crate::trial::Trial;

/// A case with what its runs take.
struct Target {
    trial: Trial,
    time: Duration,
    /// The most system calls of a thread that change something; 0 if they cannot be counted.
    calls: usize,
}

pub fn run(settings: &Settings, random: &mut Random) -> Tally {
    let mut tally = Tally::of("kills, files");
    let is_traced = can_trace();
    if !is_traced {
        tally.note("without strace: only at moments of time");
    }
    let targets: Vec<_> = CASES.iter().map(|case| target(case, is_traced, random)).collect();
    tally.note(format!("{} commands", targets.len()));
    let started = Instant::now();
    for (number, target) in (0..settings.runs).zip(targets.iter().cycle()) {
        if started.elapsed() > settings.limit {
            tally.note(format!("stopped after {number} runs by TORTURE_SECONDS"));
            break;
        }
        one(target, random, &mut tally);
    }
    tally
}

fn target(case: &'static Case, is_traced: bool, random: &mut Random) -> Target {
    let trial = Trial::new(case, Home::new(random));
    let (sandbox, args) = (&trial.home.sandbox, trial.args());
    let time = (0..3).map(|_| time_of(&trial)).min().unwrap_or_default();
    trial.reset();
    // Other programs are not ours to trace.
    let calls = match is_traced && !case.runs_others {
        true => count_calls(sandbox, &args, case.input(&trial.home)),
        false => 0,
    };
    Target { trial, time, calls }
}

/// How long it takes when nothing ends it.
fn time_of(trial: &Trial) -> Duration {
    trial.reset();
    let never = Moment::After(Duration::ZERO, Signal::SIGCONT);
    let started = Instant::now();
    end_at(&trial.home.sandbox, &trial.args(), trial.case.input(&trial.home), never);
    started.elapsed()
}

fn one(target: &Target, random: &mut Random, tally: &mut Tally) {
    let (trial, case) = (&target.trial, target.trial.case);
    trial.reset();
    let moment = moment(target, random);
    let input = case.input(&trial.home);
    let run = end_at(&trial.home.sandbox, &trial.args(), input, moment);
    tally.runs += 1;
    let what = format!("{}, ended at {moment:?}", case.name);
    match run {
        None => tally.failure(&format!("{what}: it hangs")),
        Some(run) if run.code == Some(0) => tally.untouched += 1,
        Some(run) => trial.check_output(&run, &what, tally),
    }
    trial.check(&what, tally);
    trial.complete(&what, tally);
}

/// Half of them before a system call, where that is possible.
fn moment(target: &Target, random: &mut Random) -> Moment {
    if target.calls > 0 && random.happens(60) {
        return Moment::Call(1 + random.below(target.calls as u64) as usize);
    }
    let time = Duration::from_nanos(random.below(target.time.as_nanos() as u64 * 11 / 10));
    let others = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    let signal = if random.happens(75) { Signal::SIGKILL } else { *random.pick(&others) };
    Moment::After(time, signal)
}
