//! Every command that writes files, with what it starts from.

use crate::home::Home;
use crate::sandbox::Run;

/// A command that writes.
pub struct Case {
    pub name: &'static str,
    /// Its words; `{kek}` is the KEK that seals, `{other}` that of somebody else, and `{ns}` the
    /// namespace.
    pub line: &'static str,
    /// Whether it reads the new value from standard input.
    pub reads: bool,
    /// Whether it runs other programs.
    pub runs_others: bool,
    /// Files that hold plaintext afterwards, as they must.
    pub plain: &'static [&'static str],
    /// Whether it prints values on standard output.
    pub prints: bool,
    /// Its exit code if it completes.
    pub code: i32,
    /// Files that other programs change in steps: only the next run makes them new.
    pub in_steps: &'static [&'static str],
    /// Makes what it starts from.
    pub prepare: fn(&Home),
}

pub const fn case(name: &'static str, line: &'static str, prepare: fn(&Home)) -> Case {
    let (reads, runs_others, prints) = (false, false, false);
    Case { name, line, reads, runs_others, plain: &[], prints, code: 0, in_steps: &[], prepare }
}

impl Case {
    pub const fn reads(mut self) -> Self {
        self.reads = true;
        self
    }

    pub const fn runs_others(mut self) -> Self {
        self.runs_others = true;
        self
    }

    pub const fn prints(mut self) -> Self {
        self.prints = true;
        self
    }

    pub const fn exits(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    const fn in_steps(mut self, files: &'static [&'static str]) -> Self {
        self.in_steps = files;
        self
    }

    const fn plain(mut self, files: &'static [&'static str]) -> Self {
        self.plain = files;
        self
    }

    /// Whether a run completed.
    pub fn is_done(&self, run: &Run) -> bool {
        run.code == Some(self.code)
    }

    /// What it reads from standard input.
    pub fn input<'a>(&self, home: &'a Home) -> &'a str {
        if self.reads { &home.new.text } else { "" }
    }
}

pub const CASES: &[Case] = &[
    case("rotate", "rotate -R -f deploy", deploy),
    case("create", "create new -n prod --kek local --from-stdin password -w new.yaml", |_| {})
        .reads(),
    case(
        "create, as a resource",
        "create new -n prod --kek local --kind envcryptsecret --from-stdin password -w new.yaml",
        |_| {},
    )
    .reads(),
    case("seal", "seal -i -R -f plain --kek local", plain),
    case("set", "set -f db.yaml --from-stdin password", db).reads(),
    case("unset", "unset -f db.yaml long --ignore-not-found", db),
    case("edit", "edit -f db.yaml", db).runs_others(),
    case("rewrap", "rewrap -R -f deploy --kek local --kek {other}", deploy),
    case("convert", "convert -i -R -f deploy --to envcryptsecret", deploy),
    case("import SOPS", "seal -i -f db.sops.yaml --kek local", sops),
    case("export SOPS", "unwrap -f db.yaml -o sops -w db.sops.yaml", db),
    case("unwrap", "unwrap -f db.yaml -w plain.yaml", db).plain(&["work/plain.yaml"]),
    case("unwrap, as variables", "unwrap -f db.yaml -o env -w db.env", db).plain(&["work/db.env"]),
    case("sign", "sign -R -f deploy", |home| {
        deploy(home);
        key(home);
    })
    .runs_others(),
    case("set, signed", "set -f db.yaml --from-stdin password", signed).reads().runs_others(),
    case("signers add", "signers add bob@example.com ../id.pub", |home| {
        key(home);
        home.tool("ssh-keygen", &["-q", "-N", "", "-f", "alice"]);
        home.run("signers add alice@example.com alice.pub");
    }),
    case("signers revoke", "signers revoke me@example.com --stolen", |home| {
        signed(home);
        home.tool("ssh-keygen", &["-q", "-N", "", "-f", "alice"]);
        home.run("signers add alice@example.com alice.pub");
    }),
    case("signers sign", "signers sign", signed).runs_others(),
    case("signers trust", "signers trust", |home| {
        signed(home);
        home.tool("ssh-keygen", &["-q", "-N", "", "-f", "alice"]);
        let list = home.sandbox.read(".envcrypt/allowed_signers");
        let alice = home.sandbox.read("alice.pub");
        home.sandbox.write(".envcrypt/allowed_signers", format!("{list}alice {alice}"));
    })
    .runs_others(),
    case("guard add", "guard add deploy", |home| {
        deploy(home);
        let config = "{apiVersion: v1, kind: Config, current-context: prod, \
             clusters: [{name: prod, cluster: {server: 'https://prod.example.com'}}], \
             contexts: [{name: prod, context: {cluster: prod, user: u}}], users: [{name: u, user: {}}]}";
        std::fs::write(home.root().join("kubeconfig"), config).expect("written");
        home.sandbox
            .write(".envcrypt.yaml", "# Kept.\nrules: [{namespace: prod, keks: [local]}]\n");
    }),
    case("kek new", "kek new", |home| {
        std::fs::remove_dir_all(home.root().join("config")).expect("removed");
    }),
    case("kek trust", "kek trust -n dev {other}", |home| {
        home.run("kek trust -n prod {other}");
    }),
    case("git install", "git install", |home| {
        db(home);
        home.tool("git", &["init", "-q", "--template="]);
    })
    .runs_others()
    .in_steps(&["work/.git/config"]),
    case("git merge", "git merge base.yaml ours.yaml theirs.yaml", merge).runs_others(),
    case("at-rest config", "at-rest config new --provider secretbox -w config.yaml", |_| {}),
    case("at-rest rotate", "at-rest rotate --config config.yaml", |home| {
        drop(home.run("at-rest config new --provider secretbox -w config.yaml"));
    }),
];

/// A sealed Secret in `db.yaml`.
pub fn db(home: &Home) {
    home.seal_into("db.yaml", "db");
}

/// Several in a directory.
fn deploy(home: &Home) {
    for name in ["a", "b", "c"] {
        home.seal_into(&format!("deploy/{name}.yaml"), name);
    }
    let both = home.sandbox.read("deploy/a.yaml") + "---\n" + &home.sandbox.read("deploy/b.yaml");
    home.sandbox.write("deploy/both.yaml", both);
}

fn plain(home: &Home) {
    home.sandbox.write("plain/a.yaml", home.plain("a"));
    home.sandbox.write("plain/b.yaml", home.plain("b") + "---\n" + &home.plain("c"));
}

fn sops(home: &Home) {
    db(home);
    home.run("unwrap -f db.yaml -o sops -w db.sops.yaml");
}

/// An SSH key of the person.
pub fn key(home: &Home) {
    home.tool("ssh-keygen", &["-q", "-C", "me", "-N", "", "-f", "../id"]);
}

/// A repository whose rules ask for the signature of the person.
fn signed(home: &Home) {
    db(home);
    key(home);
    home.tool("git", &["init", "-q", "--template="]);
    home.run("signers add me@example.com ../id.pub");
    let rule = "rules: [{namespace: prod, keks: [local], signers: .envcrypt/allowed_signers}]\n";
    home.sandbox.write(".envcrypt.yaml", rule);
    home.run("signers trust");
    home.run("sign -f db.yaml");
}

/// Three versions of a file, without a conflict.
fn merge(home: &Home) {
    db(home);
    let base = home.sandbox.read("db.yaml");
    for file in ["base.yaml", "ours.yaml", "theirs.yaml"] {
        home.sandbox.write(file, &base);
    }
    home.run("set -f ours.yaml --from-literal user=bob");
    home.run("set -f theirs.yaml --from-literal more=value");
}
