//! Git itself, with the drivers of this plugin: each test merges real branches.

mod conflicts;
mod diffs;
mod merges;
mod setup;

use std::path::Path;
use std::process::Command;

use crate::sandbox::{PROGRAM, Run, Sandbox};

const FILE: &str = "db.yaml";

/// A repository with the drivers, in the work directory of a sandbox.
struct Repository {
    sandbox: Sandbox,
}

impl Repository {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let home = sandbox.work().parent().expect("a home").to_owned();
        let bin = home.join("bin");
        std::fs::create_dir(&bin).expect("made");
        std::os::unix::fs::symlink(PROGRAM, bin.join("kubectl-envcrypt")).expect("linked");
        let mut path = vec![bin];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").expect("a path")));
        let path = std::env::join_paths(path).expect("a path").into_string().expect("UTF-8");
        let sandbox = sandbox
            .env("PATH", path)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.com");
        sandbox.run(["kek", "new"]).succeeds();
        let repository = Self { sandbox };
        repository.git(["init", "-q", "-b", "main"]).succeeds();
        repository
    }

    /// With a file that is committed, and the drivers for it.
    fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self::new();
        for (name, text) in files {
            repository.sandbox.write(name, text);
        }
        repository.run(["git", "install", "--pattern", "*.yaml"]).succeeds();
        repository.commit("base");
        repository
    }

    /// With one Secret, in `db.yaml`.
    fn with_secret(pairs: &[&str]) -> Self {
        let repository = Self::new();
        let yaml = repository.sandbox.sealed(pairs);
        repository.sandbox.write(FILE, yaml);
        repository.run(["git", "install"]).succeeds();
        repository.commit("base");
        repository
    }

    fn git<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        self.git_in(&self.sandbox.work(), args)
    }

    fn git_in<'a>(&self, directory: &Path, args: impl IntoIterator<Item = &'a str>) -> Run {
        let template = self.sandbox.command();
        // No terminal: a driver must not prompt.
        let mut command = Command::new("setsid");
        command.args(["-w", "git"]).args(args).current_dir(directory).env_clear();
        for (name, value) in template.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        Run::from(command.output().expect("git starts"))
    }

    fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        self.sandbox.run(args)
    }

    fn commit(&self, message: &str) {
        self.git(["add", "-A"]).succeeds();
        self.git(["commit", "-q", "-m", message]).succeeds();
    }

    fn set(&self, file: &str, key: &str, value: &str) {
        self.sandbox.pipe(value, ["set", "-f", file, "--from-stdin", key]).succeeds();
    }

    /// Makes both branches: `theirs` with one change, `main` with the other.
    fn diverge(&self, ours: impl Fn(&Self), theirs: impl Fn(&Self)) {
        self.git(["checkout", "-q", "-b", "theirs"]).succeeds();
        theirs(self);
        self.commit("theirs");
        self.git(["checkout", "-q", "main"]).succeeds();
        ours(self);
        self.commit("ours");
    }

    fn merge(&self) -> Run {
        self.git(["merge", "-m", "merged", "theirs"])
    }

    fn values(&self, file: &str) -> String {
        self.run(["unwrap", "-f", file, "-oenv"]).succeeds().stdout
    }

    fn read(&self) -> String {
        self.sandbox.read(FILE)
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.sandbox.read(file);
        assert!(text.contains(from), "{text}");
        self.sandbox.write(file, text.replace(from, to));
    }

    /// The merge must have left a conflict, and both sides must be in the file.
    #[track_caller]
    fn conflicts(&self, run: &Run, file: &str) -> String {
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(&format!("Merge conflict in {file}")), "{}", run.stdout);
        let text = self.sandbox.read(file);
        for mark in ["<<<<<<< ours\n", "=======\n", ">>>>>>> theirs\n"] {
            assert!(text.replace('\r', "").contains(mark), "{text}");
        }
        text
    }
}
