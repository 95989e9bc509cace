//! A person's home with sealed Secrets, and what its files mean.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use crate::marker::Marker;
use crate::random::Random;
use crate::sandbox::{Run, Sandbox, own};
use crate::servers::{Cluster, Kms};
use crate::tree::{File, Tree};
use crate::vault::with_vault;

/// What the files of a home mean, by their paths.
pub type Meaning = BTreeMap<PathBuf, String>;

pub struct Home {
    pub sandbox: Sandbox,
    /// A directory in memory, for what must not be on a disk.
    pub memory: tempfile::TempDir,
    /// The KEK that seals.
    pub kek: String,
    /// The KEK of somebody else.
    pub other: String,
    /// The namespace of all Secrets.
    pub namespace: String,
    cluster: Option<Rc<Cluster>>,
    /// A value that the Secrets have.
    pub old: Marker,
    /// A value that a command gives them.
    pub new: Marker,
    /// Programs, outside of the home.
    _programs: tempfile::TempDir,
}

impl Home {
    pub fn new(random: &mut Random) -> Self {
        let (old, new) = (Marker::new(random), Marker::new(random));
        let programs = tempfile::tempdir().expect("a directory");
        let editor = programs.path().join("editor");
        let script = format!("#!/bin/sh\nsed -i 's/{}/{}/' \"$1\"\n", old.text, new.text);
        std::fs::write(&editor, script).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&editor, mode).expect("set");
        let shm = Path::new("/dev/shm");
        let memory = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let memory = memory.expect("a directory");
        let sandbox = Sandbox::new();
        let root = sandbox.work().parent().expect("a home").to_owned();
        std::fs::create_dir(root.join("tmp")).expect("made");
        let path = |name: &str| root.join(name).display().to_string();
        let sandbox = sandbox
            .env("TMPDIR", path("tmp"))
            .env("XDG_RUNTIME_DIR", memory.path().display().to_string())
            .env("EDITOR", editor.display().to_string())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("KUBECONFIG", path("kubeconfig"))
            .env("ENVCRYPT_SIGNING_KEY", path("id"));
        sandbox.run(["kek", "new"]).succeeds();
        let other = own(&Sandbox::with_local_key());
        let (kek, namespace) = ("local".to_owned(), "prod".to_owned());
        Self {
            sandbox,
            memory,
            kek,
            other,
            namespace,
            cluster: None,
            old,
            new,
            _programs: programs,
        }
    }

    /// With this cluster, and a namespace of its own there.
    pub fn in_cluster(self, cluster: &Rc<Cluster>) -> Self {
        let config = std::fs::read(cluster.proxy.kubeconfig()).expect("there");
        std::fs::write(self.root().join("kubeconfig"), config).expect("written");
        let namespace = cluster.plane.namespace();
        Self { namespace, cluster: Some(cluster.clone()), ..self }
    }

    /// With a key of this KMS as the KEK.
    pub fn under(self, kms: &Kms) -> Self {
        let sandbox = with_vault(self.sandbox, kms.proxy.port);
        Self { sandbox, kek: kms.kek.clone(), ..self }
    }

    /// The cluster of this home.
    pub fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("with a cluster")
    }

    pub fn has_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    pub fn root(&self) -> PathBuf {
        self.sandbox.work().parent().expect("a home").to_owned()
    }

    /// Runs the program with these words, which must succeed.
    pub fn run(&self, words: &str) -> Run {
        self.sandbox.run(self.words(words)).succeeds()
    }

    /// The words of a command line, with the KEKs for `{kek}` and `{other}`, and the namespace for
    /// `{ns}`.
    pub fn words(&self, line: &str) -> Vec<String> {
        let names = [("{kek}", &self.kek), ("{other}", &self.other), ("{ns}", &self.namespace)];
        let named = |word: &str| {
            names.iter().fold(word.to_owned(), |word, (name, text)| word.replace(name, text))
        };
        line.split_whitespace().map(named).collect()
    }

    /// Seals a Secret with the old value and a longer one into a file.
    pub fn seal_into(&self, file: &str, name: &str) {
        self.create_in(file, name, &[]);
    }

    /// The same, with these arguments.
    pub fn create_in(&self, file: &str, name: &str, more: &[&str]) {
        let path = self.sandbox.work().join(file);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        self.create(name, &[more, &["--write", file]].concat());
    }

    /// Seals the same Secret, with these arguments.
    pub fn create(&self, name: &str, more: &[&str]) {
        let long = format!("--from-literal=long={}", "x".repeat(6000));
        // No two Secrets have the same values.
        let user = format!("--from-literal=user=admin-of-{name}");
        let [namespace, kek] = [format!("-n{}", self.namespace), format!("--kek={}", self.kek)];
        let fixed = ["create", name, &namespace, &kek, "--from-stdin=password", &user, &long];
        self.sandbox.pipe(&self.old.text, fixed.iter().chain(more)).succeeds();
    }

    /// A manifest with a plain Secret that has the old value, and something else.
    pub fn plain(&self, name: &str) -> String {
        format!(
            "# Kept.\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a: b}}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {}}}\n\
             stringData:\n  password: {} # Kept too.\n  user: admin-of-{name}\n  long: {}\n",
            self.namespace,
            self.old.text,
            "y".repeat(5000)
        )
    }

    /// Runs another program in the work directory, which must succeed.
    pub fn tool(&self, program: &str, args: &[&str]) {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.sandbox.work()).env("HOME", self.root());
        let output = command.stdin(Stdio::null()).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Whether a marker is there.
    pub fn is_plain(&self, bytes: &[u8]) -> bool {
        self.old.is_in(bytes) || self.new.is_in(bytes)
    }

    /// What all files mean. Fails with the path and the reason if a file is not whole.
    pub fn meaning(&self, tree: &Tree) -> Result<Meaning, String> {
        let meaning = |(path, file): (&PathBuf, &File)| {
            let meaning = self.meaning_of(file);
            meaning
                .map(|meaning| (path.clone(), meaning))
                .map_err(|error| format!("`{}` is not whole: {error}", path.display()))
        };
        tree.files.iter().map(meaning).collect()
    }

    /// What a file means: the values of sealed Secrets, otherwise its text without what differs
    /// each time.
    pub fn meaning_of(&self, file: &File) -> Result<String, String> {
        let text = String::from_utf8_lossy(&file.bytes);
        let is_sops = text.contains("sops:") && text.contains("ENC[");
        let is_sealed = text.contains("envcrypt.dev/seal") || text.contains("kind: EnvcryptSecret");
        let pipe = |input: &[u8], args: &[&str]| {
            let run = self.sandbox.pipe(input, args);
            if run.code == Some(0) { Ok(run.stdout) } else { Err(run.stderr) }
        };
        if is_sops {
            let sealed = pipe(&file.bytes, &["seal", "-f", "-", "--kek=local"])?;
            return Ok(format!("sops\n{}", pipe(sealed.as_bytes(), &["unwrap", "-f", "-"])?));
        }
        if text.starts_with("# Which KEKs this machine may use") {
            // What is sealed first is noted first.
            let mut lines: Vec<_> = text.lines().collect();
            lines.sort_unstable();
            return Ok(without_random(&lines.join("\n")));
        }
        if !is_sealed {
            return Ok(without_random(&text));
        }
        let values = pipe(&file.bytes, &["unwrap", "-f", "-", "--insecure-skip-signature"])?;
        let shown = pipe(&file.bytes, &["inspect", "-f", "-"])?;
        let mut lines: Vec<_> = shown.lines().filter(|line| line.contains(" kek ")).collect();
        lines.sort_unstable();
        let kind = text.lines().filter(|line| line.starts_with("kind:")).collect::<String>();
        let is_signed = text.contains("envcrypt.dev/signatures");
        Ok(format!("{kind} signed {is_signed}\n{values}\n{}", lines.join("\n")))
    }
}

/// A text without its keys, signatures and numbers.
fn without_random(text: &str) -> String {
    let is_long = |word: &str| word.len() >= 40 && word.chars().all(|c| c.is_ascii_graphic());
    let no_digits = |c: char| if c.is_ascii_digit() { '#' } else { c };
    let words = text.split_inclusive(char::is_whitespace).map(|word| match is_long(word.trim()) {
        true => "LONG\n".to_owned(),
        false => word.chars().map(no_digits).collect(),
    });
    words.collect()
}
