//! Clocks that are wrong, and clocks that jump while a command runs. It needs a C compiler.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::Settings;
use crate::cases::CASES;
use crate::home::Home;
use crate::process::{finish_within, start};
use crate::random::Random;
use crate::tally::Tally;
use crate::trial::Trial;

/// Times in seconds since 1970: from 1901 to 2106.
const TIMES: &[i64] = &[
    0,
    1,
    -1,
    -1_000_000_000,
    i32::MIN as i64,
    i32::MAX as i64,
    u32::MAX as i64 + 1,
    1_795_000_000,
];

pub fn run(settings: &Settings, random: &mut Random) -> Tally {
    let mut tally = Tally::of("clocks");
    let directory = tempfile::tempdir().expect("a directory");
    let library = directory.path().join("clock.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/torture/clock.c");
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O", "-o"]).arg(&library).arg(source);
    if !compile.output().is_ok_and(|output| output.status.success()) {
        tally.note("skipped: there is no C compiler");
        return tally;
    }
    let library = library.display().to_string();
    let trials: Vec<_> = CASES.iter().map(|case| Trial::new(case, Home::new(random))).collect();
    let started = Instant::now();
    for (_, trial) in (0..settings.runs).zip(trials.iter().cycle()) {
        if settings.is_over(started, &mut tally) {
            break;
        }
        one(trial, &library, random, &mut tally);
    }
    tally
}

fn one(trial: &Trial, library: &str, random: &mut Random, tally: &mut Tally) {
    let (first, second) = (random.pick(TIMES), random.pick(TIMES));
    let clock = format!("{first},{},{second}", random.below(4));
    let what = format!("{}, at {clock}", trial.case.name);
    trial.reset();
    let mut command = trial.home.sandbox.command();
    command.env("LD_PRELOAD", library).env("TORTURE_CLOCK", &clock).args(trial.args());
    tally.runs += 1;
    match finish_within(start(&mut command, trial.case.input(&trial.home)), Duration::from_secs(60))
    {
        None => tally.failure(&format!("{what}: it hangs")),
        Some(run) => trial.check_output(&run, &what, tally),
    }
    trial.check(&what, tally);
    // A second merge of a merged file depends on which side says that it is newer.
    if trial.case.name != "git merge" {
        trial.complete(&what, tally);
    }
}
