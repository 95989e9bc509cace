//! The page about Git, line by line, and merges under a real KMS.

use std::process::Command;

use crate::fault_proxy::{Fault, FaultProxy};
use crate::programs::find;
use crate::readme::{Answers, commands, install, run_line};
use crate::sandbox::{Run, Sandbox};
use crate::vault::{vault, with_vault};

/// What is typed at the prompts of the page.
const ANSWERS: Answers =
    &[("[o/t/n]: ", "new"), ("password: ", "hunter2"), ("password (again): ", "hunter2")];

/// A sandbox in which Git finds the plugin, and knows who commits.
fn with_git(sandbox: Sandbox) -> Sandbox {
    let bin = sandbox.work().parent().expect("a home").join(".local/bin");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let sandbox = sandbox
        .env("PATH", path)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
        .env("GIT_PAGER", "cat")
        .env("GIT_EDITOR", "true");
    install(&sandbox, &[]);
    git(&sandbox, &["init", "-q", "-b", "main"]).succeeds();
    sandbox
}

/// Runs Git without a terminal.
fn git(sandbox: &Sandbox, args: &[&str]) -> Run {
    let template = sandbox.command();
    let mut command = Command::new("setsid");
    command.args(["-w", "git"]).args(args).current_dir(sandbox.work()).env_clear();
    for (name, value) in template.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Run::from(command.output().expect("git starts"))
}

fn commit(sandbox: &Sandbox, message: &str) {
    git(sandbox, &["add", "-A"]).succeeds();
    git(sandbox, &["commit", "-q", "-m", message]).succeeds();
}

fn set(sandbox: &Sandbox, key: &str, value: &str) {
    sandbox.pipe(value, ["set", "-f", "db.yaml", "--from-stdin", key]).succeeds();
}

/// Makes a branch with one change of a key.
fn branch(sandbox: &Sandbox, name: &str, key: &str) {
    git(sandbox, &["checkout", "-q", "-b", name]).succeeds();
    set(sandbox, key, name);
    commit(sandbox, name);
    git(sandbox, &["checkout", "-q", "main"]).succeeds();
}

#[test]
fn every_command_line_of_the_page_about_git_works() {
    assert!(find("kubectl").exists());
    let sandbox = with_git(Sandbox::with_local_key());
    sandbox.write("db.yaml", sandbox.sealed(&["username=admin", "password=hunter1"]));
    commit(&sandbox, "base");
    let mut outputs = Vec::new();
    for line in commands(include_str!("../../docs/git.md")) {
        match line.as_str() {
            "git merge team" => {
                branch(&sandbox, "team", "username");
                set(&sandbox, "password", "ours");
                commit(&sandbox, "ours");
            }
            line if line.ends_with("git resolve db.yaml") => {
                branch(&sandbox, "other", "password");
                set(&sandbox, "password", "mine");
                commit(&sandbox, "mine");
                let run = git(&sandbox, &["merge", "other"]);
                assert_eq!(run.code, Some(1));
                assert!(
                    run.stderr.contains("both sides changed `password` of the Secret `prod/db`")
                );
            }
            _ => {}
        }
        let answers = if line.ends_with("git resolve db.yaml") { ANSWERS } else { &[] };
        outputs.push((line.clone(), run_line(&sandbox, &line, answers)));
        if line.ends_with("git resolve db.yaml") {
            let values = sandbox.run(["unwrap", "-f", "db.yaml", "-oenv"]).succeeds().stdout;
            assert_eq!(values, "password=hunter2\nusername=team\n");
        }
    }
    assert!(outputs.len() >= 13, "{outputs:?}");
    let diff = &outputs.iter().find(|(line, _)| line == "git diff").expect("it is there").1;
    assert!(diff.contains("password: <sealed ") && !diff.contains("eyJ"), "{diff}");
    let values = sandbox.run(["unwrap", "-f", "db.yaml", "-oenv"]).succeeds().stdout;
    assert_eq!(values, "password=other\nusername=team\n");
}

/// Two branches with changes of other keys, under a key of OpenBao behind a proxy.
fn under_vault() -> (Sandbox, FaultProxy) {
    let proxy = FaultProxy::start(vault().port);
    let sandbox = with_git(with_vault(Sandbox::new(), proxy.port));
    let kek = format!("--kek=hashivault://{}", vault().key());
    let create = ["create", "db", "-n", "prod", "--dry-run=client", "-oyaml", &kek];
    let yaml = sandbox.run(create.iter().chain(&["--from-literal=a=1", "--from-literal=b=1"]));
    sandbox.write("db.yaml", yaml.succeeds().stdout);
    sandbox.run(["git", "install"]).succeeds();
    commit(&sandbox, "base");
    branch(&sandbox, "theirs", "b");
    set(&sandbox, "a", "main");
    commit(&sandbox, "main");
    proxy.take();
    (sandbox, proxy)
}

#[test]
fn a_merge_under_a_kms_asks_it_at_most_once_for_each_data_key_and_for_the_new_seal() {
    let (sandbox, proxy) = under_vault();
    git(&sandbox, &["merge", "-m", "merged", "theirs"]).succeeds();
    let calls = proxy.take().0;
    let count = |name: &str| calls.iter().filter(|call| *call == name).count();
    // The data keys of the common version and of both changes.
    // Those that wait at the same time are in one call.
    assert!((1..=3).contains(&count("decrypt")), "{calls:?}");
    assert_eq!(count("encrypt"), 1, "{calls:?}");
    let values = sandbox.run(["unwrap", "-f", "db.yaml", "-oenv"]).succeeds().stdout;
    assert_eq!(values, "a=main\nb=theirs\n");
    // Git shows the history without the KMS.
    proxy.take();
    git(&sandbox, &["log", "-p"]).succeeds();
    assert_eq!(proxy.take().0, [""; 0]);
}

#[test]
fn while_the_kms_is_down_a_merge_is_a_conflict_and_resolve_finishes_it_later() {
    let (sandbox, proxy) = under_vault();
    proxy.always(Fault::HangUp);
    let sandbox = sandbox.env("ENVCRYPT_KEK_TIMEOUT", "2s");
    let run = git(&sandbox, &["merge", "-m", "merged", "theirs"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(run.stderr.matches("error: ").count(), 1, "{}", run.stderr);
    let text = sandbox.read("db.yaml");
    for side in ["main:db.yaml", "theirs:db.yaml"] {
        let side = git(&sandbox, &["show", side]).succeeds().stdout;
        assert!(side.lines().all(|line| text.contains(line)), "a side was lost");
    }
    proxy.heal();
    sandbox.run(["git", "resolve", "db.yaml"]).succeeds();
    let values = sandbox.run(["unwrap", "-f", "db.yaml", "-oenv"]).succeeds().stdout;
    assert_eq!(values, "a=main\nb=theirs\n");
}
