//! A disk that fills: each command on a small file system, with each amount of free space. It
//! needs `mount`, as root of its own namespace.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Settings;
use crate::cases::CASES;
use crate::home::Home;
use crate::process::{finish_within, start};
use crate::random::Random;
use crate::tally::Tally;
use crate::tree::Tree;
use crate::trial::Trial;

/// The size of a page of memory, in bytes: what the file system gives away at once.
const PAGE: u64 = 4096;
/// The most pages that are left free. No command needs so many.
const MOST: u64 = 24;

/// A file system of 1 MiB in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m,mode=700", "torture"]).arg(directory.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    /// Holds these files, and has this many pages free.
    fn fill(&self, tree: &Tree, free: u64) {
        let (home, ballast) = (self.home(), self.0.path().join("ballast"));
        let _ = fs::remove_file(&ballast);
        fs::create_dir_all(&home).expect("made");
        tree.restore(&home);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&ballast).expect("new");
        while file.write_all(&[b'x'; PAGE as usize]).is_ok() {}
        let size = file.metadata().expect("there").len() / PAGE * PAGE;
        file.set_len(size.saturating_sub(free * PAGE)).expect("cut");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

pub fn run(settings: &Settings, random: &mut Random) -> Tally {
    let mut tally = Tally::of("full disk");
    let Some(disk) = SmallDisk::mount() else {
        tally.note("skipped: a file system cannot be mounted here");
        return tally;
    };
    let started = Instant::now();
    for case in CASES {
        if started.elapsed() > settings.limit || tally.runs >= settings.runs {
            tally.note(format!("stopped before `{}`", case.name));
            break;
        }
        let trial = Trial::new(case, Home::new(random));
        for free in 0..MOST {
            if one(&trial, &disk, free, &mut tally) {
                break;
            }
        }
    }
    tally
}

/// Whether the space was enough.
fn one(trial: &Trial, disk: &SmallDisk, free: u64, tally: &mut Tally) -> bool {
    disk.fill(trial.before(), free);
    let what = format!("{}, with {free} pages free", trial.case.name);
    let mut command = trial.home.sandbox.command();
    at(&mut command, &disk.home());
    let child = start(command.args(trial.args()), trial.case.input(&trial.home));
    tally.runs += 1;
    let Some(run) = finish_within(child, Duration::from_secs(60)) else {
        tally.failure(&format!("{what}: it hangs"));
        return false;
    };
    trial.check_output(&run, &what, tally);
    let now = Tree::read(&disk.home());
    trial.check_tree(&now, &what, tally);
    let is_done = run.code == Some(0);
    // What `signers trust` writes is named after the path of the repository.
    if is_done && trial.case.line != "signers trust" && !trial.is_complete(&now) {
        tally.loss(&format!("{what}: it succeeds, and its files are not new"));
    }
    if !is_done && !run.stderr.lines().any(|line| line.starts_with("error: ")) {
        tally.failure(&format!("{what}: no error is shown: {}", run.stderr));
    }
    is_done
}

/// Lets a command live in a copy of its home.
fn at(command: &mut Command, home: &Path) {
    command.current_dir(home.join("work")).env("HOME", home);
    command.env("XDG_CONFIG_HOME", home.join("config")).env("TMPDIR", home.join("tmp"));
    command.env("KUBECONFIG", home.join("kubeconfig"));
    command.env("ENVCRYPT_SIGNING_KEY", home.join("id"));
}
