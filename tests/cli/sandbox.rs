//! A home of its own for every test, and runs that read like a sentence.

#![expect(unsafe_code, reason = "a limit is set in the child")]

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-envcrypt");

/// A home folder with nothing in it, and a work folder.
pub struct Sandbox {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// Empty.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("work")).expect("made");
        Self { folder, environment: Vec::new() }
    }

    /// With a local key.
    pub fn with_local_key() -> Self {
        let sandbox = Self::new();
        sandbox.run(["kek", "new"]).succeeds();
        sandbox
    }

    /// With one more environment variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The variables that were added.
    #[allow(dead_code, reason = "shared with the tests against servers")]
    pub fn environment(&self) -> Vec<(&str, String)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
    }

    /// The work folder.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The configuration folder.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config/envcrypt")
    }

    /// Writes a file into the work folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, content).expect("written");
        path
    }

    /// Reads a file of the work folder.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.work().join(name)).expect("there")
    }

    /// The program as it is run here: no terminal, nothing of the developer's own.
    pub fn command(&self) -> Command {
        self.command_of(PROGRAM)
    }

    /// Another program as ours is run here.
    pub fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        detach(&mut command);
        command
    }

    /// Runs the program with these arguments.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        Run::of(self.command().args(args), b"")
    }

    /// The same, with something on standard input.
    pub fn pipe<A: AsRef<OsStr>>(
        &self,
        input: impl AsRef<[u8]>,
        args: impl IntoIterator<Item = A>,
    ) -> Run {
        Run::of(self.command().args(args).stdin(Stdio::piped()), input.as_ref())
    }

    /// Seals `key=value` pairs as `prod/db` under the local key; returns the YAML.
    pub fn sealed(&self, pairs: &[&str]) -> String {
        let literals = pairs.iter().map(|pair| format!("--from-literal={pair}"));
        let fixed = ["create", "db", "-n", "prod", "--kek=local", "--dry-run=client", "-oyaml"];
        self.run(fixed.into_iter().map(str::to_owned).chain(literals)).succeeds().stdout
    }
}

/// In a session of its own, so that it finds no terminal even where the tests have one.
fn detach(command: &mut Command) {
    use nix::sys::signal::{SigHandler, Signal, signal};
    use std::os::unix::process::CommandExt;
    // SAFETY: setsid and signal are async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            // A script's background job, as CI may be, has them ignored.
            for kind in [Signal::SIGINT, Signal::SIGQUIT] {
                signal(kind, SigHandler::SigDfl)?;
            }
            Ok(())
        });
    }
}

/// What a run left behind.
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Run {
    fn of(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command.spawn().expect("the program starts");
        if let Some(mut stdin) = child.stdin.take() {
            // A program that fails early does not read it.
            let _ = stdin.write_all(input);
        }
        Self::from(child.wait_with_output().expect("it ends"))
    }

    /// It must have ended with 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// It must have ended with this code, with nothing on standard output and
    /// one error; the error comes back.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "a failing command leaves no output");
        let errors = self.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{}", self.stderr);
        self.stderr
    }
}

impl Run {
    /// It must have ended with this code, whatever it said.
    #[track_caller]
    #[allow(dead_code, reason = "shared with the tests against servers")]
    pub fn fails_quietly(self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

/// The recipient of a sandbox's own key.
#[allow(dead_code, reason = "shared with the tests against servers")]
pub fn own(sandbox: &Sandbox) -> String {
    let list = sandbox.run(["kek", "list"]).succeeds().stdout;
    list.split(' ').next().expect("a URI").to_owned()
}

/// The mode bits of a file.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}
