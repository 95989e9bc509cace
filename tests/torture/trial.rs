//! One command on one home: what it was before, what it is when the command completes, and
//! whether what a disturbed run left is one of the two.

use std::path::{Path, PathBuf};

use crate::cases::Case;
use crate::home::{Home, Meaning};
use crate::live::{ASIDE, Live};
use crate::process::count_calls;
use crate::sandbox::Run;
use crate::tally::Tally;
use crate::tree::{File, Tree};

/// What a machine remembers. A run that finds its work done does not note it again, and the next
/// command prompts for it, or refuses. Only `trust` is there to write it.
const REMEMBERED: [&str; 2] = ["config/envcrypt/trusted-keks", "config/envcrypt/signers"];

pub struct Trial {
    pub case: &'static Case,
    pub home: Home,
    before: Tree,
    after: Meaning,
    /// What it prints, if it prints values.
    printed: String,
    /// The objects in the cluster, if the home has one.
    live: Option<Live>,
}

impl Trial {
    /// Makes the home, and lets the command complete once.
    pub fn new(case: &'static Case, home: Home) -> Self {
        (case.prepare)(&home);
        let before = Tree::read(&home.root());
        let mut live = home.has_cluster().then(|| Live::read(&home));
        let args = home.words(case.line);
        let run = home.sandbox.pipe(case.input(&home), &args);
        assert!(case.is_done(&run), "{}: {}{}", case.name, run.stdout, run.stderr);
        let after = Tree::read(&home.root());
        let after = home.meaning(&after).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        if let Some(live) = &mut live {
            live.read_after(&home);
        }
        Self { case, home, before, after, printed: run.stdout, live }
    }

    pub fn args(&self) -> Vec<String> {
        self.home.words(self.case.line)
    }

    /// Puts the home back to what it was.
    pub fn reset(&self) {
        self.before.restore(&self.home.root());
        if let Some(live) = &self.live {
            live.reset(&self.home);
        }
    }

    /// What it was.
    pub fn before(&self) -> &Tree {
        &self.before
    }

    /// No value in the output but the right one, and no panic.
    pub fn check_output(&self, run: &Run, what: &str, tally: &mut Tally) {
        let mut text = run.stderr.clone();
        match self.case.prints {
            false => text += &run.stdout,
            true if run.stdout.is_empty() && !self.case.is_done(run) => {}
            true if run.stdout == self.printed => {}
            // A comparison shows what it could compare.
            true if self.case.code != 0 && !self.case.is_done(run) => {
                let mut lines = run.stdout.lines();
                if !lines.all(|line| self.printed.lines().any(|printed| printed == line)) {
                    tally.loss(&format!("{what}: it prints something else: {text}"));
                }
            }
            true => tally.loss(&format!("{what}: it prints something else: {text}")),
        }
        if self.home.is_plain(text.as_bytes()) {
            tally.found(&format!("{what}: in its output"));
        }
        if text.contains("panicked at") || run.code == Some(101) {
            tally.failure(&format!("{what}: {text}"));
        }
    }

    /// The most system calls of a thread that count; 0 if they cannot be counted.
    pub fn count_calls(&self, is_traced: bool) -> usize {
        // Other programs are not ours to trace.
        if !is_traced || self.case.runs_others {
            return 0;
        }
        self.reset();
        count_calls(&self.home.sandbox, &self.args(), self.case.input(&self.home))
    }

    /// Counts a run that was ended at some moment, and looks at what it left. `None` did not end.
    pub fn check_ended(&self, run: Option<Run>, what: &str, tally: &mut Tally) {
        tally.runs += 1;
        match run {
            None => tally.failure(&format!("{what}: it hangs")),
            Some(run) if run.code == Some(0) => tally.untouched += 1,
            Some(run) => self.check_output(&run, what, tally),
        }
        self.check(what, tally);
        self.complete(what, tally);
    }

    /// Each file of the home, and each object in the cluster, is wholly old or wholly new.
    pub fn check(&self, what: &str, tally: &mut Tally) {
        self.check_tree(&Tree::read(&self.home.root()), what, tally);
        if let Some(live) = &self.live {
            live.check(&self.home, what, tally);
        }
    }

    /// The same for a copy of the home somewhere else.
    pub fn check_tree(&self, now: &Tree, what: &str, tally: &mut Tally) {
        for (path, old) in &self.before.files {
            match now.files.get(path) {
                Some(file) if file == old => {}
                Some(file) => self.must_be_new(path, file, what, tally),
                None if !self.after.contains_key(path) => {}
                None => tally.loss(&format!("{what}: `{}` is gone", path.display())),
            }
        }
        for (path, file) in &now.files {
            if self.before.files.contains_key(path) {
                continue;
            }
            match self.after.contains_key(path) {
                true => self.must_be_new(path, file, what, tally),
                false => self.left_behind(path, file, what, tally),
            }
        }
    }

    fn must_be_new(&self, path: &Path, file: &File, what: &str, tally: &mut Tally) {
        let shown = path.display();
        if self.case.in_steps.iter().any(|steps| path == Path::new(steps)) {
            return;
        }
        let is_plain_here = self.case.plain.iter().any(|plain| path == Path::new(plain));
        if !is_plain_here && self.home.is_plain(&file.bytes) {
            tally.found(&format!("{what}: in `{shown}`"));
        }
        match self.home.meaning_of(file) {
            Ok(meaning) if self.after.get(path) == Some(&meaning) => {}
            Ok(meaning) if self.is_remembered(path, &meaning) => {}
            Ok(_) => tally.loss(&format!("{what}: `{shown}` is neither old nor new")),
            Err(error) => tally.loss(&format!("{what}: `{shown}` is not whole: {error}")),
        }
    }

    /// Whether a machine remembers a part of what a complete run lets it remember.
    fn is_remembered(&self, path: &Path, meaning: &str) -> bool {
        let lines = self.after.get(path).map(|text| text.lines().collect::<Vec<_>>());
        let is_part = |lines: Vec<&str>| meaning.lines().all(|line| lines.contains(&line));
        REMEMBERED.iter().any(|below| path.starts_with(below)) && lines.is_some_and(is_part)
    }

    /// A file of a killed process: the old file or the new one, and no easier to read.
    fn left_behind(&self, path: &Path, file: &File, what: &str, tally: &mut Tally) {
        tally.left_behind += 1;
        // The other half of an exchange has what the file itself had.
        let has_old = self.before.files.values().any(|old| old.bytes == file.bytes);
        if self.home.is_plain(&file.bytes) && !has_old {
            tally.found(&format!("{what}: in `{}`", path.display()));
        }
        let most = self.before.files.values().map(|old| old.mode).max().unwrap_or(0o600);
        if file.mode & !most & 0o077 != 0 {
            tally.failure(&format!("{what}: mode {:o} of `{}`", file.mode, path.display()));
        }
    }

    /// The next run completes, and leaves nothing but what it must.
    pub fn complete(&self, what: &str, tally: &mut Tally) {
        let run = self.home.sandbox.pipe(self.case.input(&self.home), self.args());
        let now = Tree::read(&self.home.root());
        // A new file is there already, or it was changed already.
        let is_done = self.is_done(&now) && self.not_new_live().is_empty();
        if !self.case.is_done(&run) && !is_done {
            tally.failure(&format!("{what}: the next run fails: {}", run.stderr));
        }
        if self.case.prints {
            self.check_output(&run, &format!("{what}: the next run"), tally);
        }
        for (path, file) in &now.files {
            let is_known = self.after.contains_key(path) || self.before.files.contains_key(path);
            if !is_known && self.home.is_plain(&file.bytes) {
                tally.found(&format!("{what}: after the next run, in `{}`", path.display()));
            }
        }
        for (path, file) in &Tree::read(self.home.memory.path()).files {
            if self.home.is_plain(&file.bytes) {
                let shown = path.display();
                tally.found(&format!("{what}: after the next run, in memory, in `{shown}`"));
            }
        }
        for path in self.not_new(&now) {
            tally.loss(&format!("{what}: after the next run, `{}` is not new", path.display()));
        }
        for name in self.not_new_live() {
            tally.loss(&format!("{what}: after the next run, {name} is not new: {}", run.stderr));
        }
    }

    fn not_new_live(&self) -> Vec<String> {
        self.live.as_ref().map(|live| live.not_new(&self.home)).unwrap_or_default()
    }

    /// Whether all files and all objects are as a complete run leaves them, but for sealed copies
    /// that it could not delete.
    pub fn is_new(&self) -> bool {
        let is_new = self.not_new_live().iter().all(|name| name.ends_with(ASIDE));
        is_new && self.is_complete(&Tree::read(&self.home.root()))
    }

    /// Whether all files are new.
    pub fn is_complete(&self, now: &Tree) -> bool {
        self.not_new(now).is_empty()
    }

    fn not_new(&self, now: &Tree) -> Vec<&Path> {
        let is_old = |(path, wanted): &(&PathBuf, &String)| {
            let meaning = now.files.get(*path).map(|file| self.home.meaning_of(file));
            let is_new = matches!(&meaning, Some(Ok(meaning)) if meaning == *wanted);
            let is_memory = REMEMBERED.iter().any(|below| path.starts_with(below));
            let may_stay = is_memory && !self.case.line.contains(" trust");
            !is_new && (!may_stay || matches!(meaning, Some(Err(_))))
        };
        self.after.iter().filter(is_old).map(|(path, _)| path.as_path()).collect()
    }

    fn is_done(&self, now: &Tree) -> bool {
        self.after.keys().all(|path| now.files.contains_key(path))
    }
}
