//! `set`, `unset` and `edit` on files: what changes, what keeps its bytes, and what
//! is refused.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sandbox::{Sandbox, mode};
use crate::sealed::{change_wrapped, jwes, value, with_one_more_kek};
use crate::terminal::{answer, ends, see, session};

fn with_file(pairs: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(pairs));
    sandbox
}

fn open(sandbox: &Sandbox) -> String {
    let run = sandbox.run(["unwrap", "-f", "db.yaml", "-o", "env"]).succeeds();
    run.stdout
}

#[test]
fn set_changes_what_is_named_and_nothing_else() {
    let sandbox = with_file(&["a=one", "b=two"]);
    let before = sandbox.read("db.yaml");
    let run = sandbox.pipe("new", ["set", "-f", "db.yaml", "--from-stdin", "a"]).succeeds();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("secret/db changed\n", ""));
    let after = sandbox.read("db.yaml");
    assert_eq!(value(&after, "b"), value(&before, "b"), "what is not named keeps its bytes");
    let differing = before.lines().zip(after.lines()).filter(|(old, new)| old != new).count();
    assert_eq!(differing, 2, "the value and the seal");
    assert_eq!(open(&sandbox), "a=new\nb=two\n");
    sandbox.run(["set", "-f", "db.yaml", "--generate", "c=8:digits"]).succeeds();
    assert!(open(&sandbox).lines().nth(2).is_some_and(|line| line.len() == 10));
    sandbox.run(["unset", "-f", "db.yaml", "a", "c"]).succeeds();
    assert_eq!(open(&sandbox), "b=two\n");
    assert_eq!(value(&sandbox.read("db.yaml"), "b"), value(&before, "b"));
    // A filter, and nothing to do.
    let piped = sandbox.pipe(&after, ["unset", "-f", "-", "a"]).succeeds();
    assert!(piped.stdout.contains("  b: ") && piped.stderr.contains("secret/db changed"));
    let error = sandbox.run(["unset", "-f", "db.yaml", "gone"]).fails(1);
    assert!(error.contains("the Secret `prod/db` has no key `gone`"), "{error}");
    let run = sandbox.run(["unset", "-f", "db.yaml", "gone", "--ignore-not-found"]).succeeds();
    assert_eq!(run.stdout, "secret/db unchanged\n");
}

#[test]
fn the_same_value_again_is_no_change_where_that_is_asked_for() {
    let sandbox = with_file(&["a=one", "b=two"]);
    let before = sandbox.read("db.yaml");
    let args = ["set", "-f", "db.yaml", "--from-stdin", "a", "--idempotent"];
    let run = sandbox.pipe("one", args).succeeds();
    assert_eq!(run.stdout, "secret/db unchanged\n");
    assert_eq!(sandbox.read("db.yaml"), before);
    sandbox.pipe("other", args).succeeds();
    assert_eq!(open(&sandbox), "a=other\nb=two\n");
}

#[test]
fn setting_takes_only_the_right_to_encrypt() {
    let owner = with_file(&["a=one"]);
    let list = owner.run(["kek", "list"]).succeeds().stdout;
    let recipient = list.split(' ').next().expect("a URI");
    let other = Sandbox::new();
    other.write("db.yaml", owner.read("db.yaml"));
    let error = other
        .pipe("new", ["set", "-f", "db.yaml", "--from-stdin", "a", "--kek", recipient])
        .fails(1);
    assert!(error.contains("to skip this check, add `--encrypt-only`"), "{error}");
    // Nothing but the file names the recipient: that could be anyone's.
    let blind = ["set", "-f", "db.yaml", "--from-stdin", "b", "--encrypt-only"];
    let error = other.pipe("new", blind).fails(1);
    assert!(error.contains("only the Secret `prod/db` itself names"), "{error}");
    let run = other.pipe("new", blind.iter().chain(&["--kek", recipient])).succeeds();
    assert_eq!(run.stderr, "note: `b` is new in `prod/db`\n");
    owner.write("db.yaml", other.read("db.yaml"));
    assert_eq!(open(&owner), "a=one\nb=new\n");
}

/// Who cannot open would bless whatever an attacker made of the file.
#[test]
fn what_does_not_open_is_not_sealed_anew_unseen() {
    let sandbox = with_file(&["a=one", "b=two"]);
    let broken = change_wrapped(&sandbox.read("db.yaml"), |bytes| bytes[40] ^= 1);
    sandbox.write("db.yaml", &broken);
    for args in [&["set", "-f", "db.yaml", "--generate", "a"][..], &["unset", "-f", "db.yaml", "a"]]
    {
        let error = sandbox.run(args).fails(1);
        assert!(error.contains("to skip this check, add `--encrypt-only`"), "{error}");
        assert_eq!(sandbox.read("db.yaml"), broken);
    }
}

#[test]
fn a_file_that_changes_at_the_prompt_is_left_alone() {
    let sandbox = with_file(&["a=one", "b=two"]);
    let other = sandbox.sealed(&["a=one"]);
    let mut terminal = session(&sandbox, &["set", "-f", "db.yaml", "a", "--no-confirm"]);
    see(&mut terminal, "a: ");
    sandbox.write("db.yaml", &other);
    terminal.send_line("new").expect("typed");
    let seen = ends(terminal, 1);
    assert!(seen.contains("`db.yaml` changed while the command ran"), "{seen}");
    assert_eq!(sandbox.read("db.yaml"), other);
}

#[test]
fn a_typed_secret_keeps_what_its_type_needs() {
    let sandbox = Sandbox::with_local_key();
    let args = [
        "create",
        "db",
        "-nprod",
        "--kek=local",
        "--type=basic-auth",
        "--from-literal=username=u",
        "-w",
        "db.yaml",
    ];
    sandbox.run(args).succeeds();
    let error = sandbox.run(["unset", "-f", "db.yaml", "username"]).fails(1);
    assert!(error.contains("needs `username` or `password`"), "{error}");
    sandbox.run(["set", "-f", "db.yaml", "--generate", "password"]).succeeds();
    sandbox.run(["unset", "-f", "db.yaml", "username"]).succeeds();
}

#[test]
fn a_new_seal_does_not_hide_that_the_old_one_was_broken() {
    let sandbox = with_file(&["a=one", "b=two"]);
    let whole = sandbox.read("db.yaml");
    let line = whole.lines().find(|line| line.starts_with("  b: ")).expect("there");
    let broken = whole.replace(&format!("{line}\n"), "");
    sandbox.write("db.yaml", &broken);
    let script = sandbox.write("editor", "#!/bin/sh\nexit 1\n");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("set");
    for args in [
        &["set", "-f", "db.yaml", "--generate", "a"][..],
        &["unset", "-f", "db.yaml", "a"],
        &["edit", "-f", "db.yaml"],
    ] {
        let error = sandbox.run(args).fails(1);
        assert!(
            error.contains("the type or `immutable` of the Secret changed after it was sealed"),
            "{error}"
        );
        assert_eq!(sandbox.read("db.yaml"), broken);
    }
}

#[test]
fn a_kek_that_someone_wrote_into_the_file_gets_nothing() {
    let sandbox = with_file(&["a=one"]);
    let theirs = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let theirs = theirs.split(' ').next().expect("a URI");
    let file = with_one_more_kek(&sandbox.read("db.yaml"), theirs);
    sandbox.write("db.yaml", &file);
    for args in [
        &["set", "-f", "db.yaml", "--generate", "a"][..],
        &["unset", "-f", "db.yaml", "a"],
        &["edit", "-f", "db.yaml"],
    ] {
        let error = sandbox.run(args).fails(1);
        assert!(error.contains(&format!("itself names the KEK `{theirs}`")), "{error}");
        assert_eq!(sandbox.read("db.yaml"), file);
    }
}

#[test]
fn a_new_value_is_under_the_keks_of_the_others() {
    let sandbox = with_file(&["a=one"]);
    let theirs = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let theirs = theirs.split(' ').next().expect("a URI");
    sandbox.run(["rewrap", "-f", "db.yaml", "--add", theirs]).succeeds();
    let set = ["set", "-f", "db.yaml", "--generate", "a", "--kek", "local"];
    let file = sandbox.read("db.yaml");
    let error = sandbox.run(set).fails(1);
    assert!(
        error.contains("`--kek` must name exactly the KEKs of the Secret `prod/db`"),
        "{error}"
    );
    assert_eq!(sandbox.read("db.yaml"), file);
    let run = sandbox.run(set.iter().chain(&["--kek", theirs])).succeeds();
    assert_eq!(run.stderr, "");
}

#[test]
fn one_secret_of_several_is_chosen_by_name() {
    let sandbox = with_file(&["a=one"]);
    let two = sandbox.run([
        "create",
        "two",
        "-n",
        "prod",
        "--kek=local",
        "--generate=a",
        "--dry-run=client",
        "-oyaml",
    ]);
    let both = format!("{}---\n{}", sandbox.read("db.yaml"), two.succeeds().stdout);
    sandbox.write("db.yaml", &both);
    let error = sandbox.run(["set", "-f", "db.yaml", "--generate", "b"]).fails(1);
    assert!(
        error.contains("takes one Secret, but `db.yaml` has 2\nhint: choose one with `--name`"),
        "{error}"
    );
    let run = sandbox.run(["set", "-f", "db.yaml", "--name", "two", "--generate", "b"]).succeeds();
    assert_eq!(run.stdout, "secret/two changed\n");
    assert_eq!(jwes(&sandbox.read("db.yaml"))[..2], jwes(&both)[..2]);
    let error =
        sandbox.run(["set", "-f", "db.yaml", "--name", "three", "--generate", "b"]).fails(1);
    assert!(error.contains("there is no sealed Secret in `db.yaml`"), "{error}");
}

#[test]
fn values_are_asked_for_once_all_else_is_known_to_work() {
    let sandbox = with_file(&["a=one"]);
    let mut terminal =
        session(&sandbox, &["set", "-f", "db.yaml", "a", "user", "--visible", "user"]);
    answer(&mut terminal, "a: ", "hunter2 é");
    answer(&mut terminal, "a (again): ", "hunter2 é");
    answer(&mut terminal, "user: ", "me");
    let seen = ends(terminal, 0);
    assert!(!seen.contains("hunter2"), "{seen}");
    assert_eq!(open(&sandbox), "a=hunter2 é\nuser=me\n");
    // No question where the answer would be lost.
    sandbox.write("db.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n");
    let seen = ends(session(&sandbox, &["set", "-f", "db.yaml", "a"]), 1);
    assert!(!seen.contains("a: "), "{seen}");
    let error = sandbox.run(["set", "-f", "db.yaml", "a"]).fails(1);
    assert!(error.contains("there is no terminal to prompt for `a`"), "{error}");
}

/// An editor that does what `script` says with its last argument, `$f`.
fn editor(sandbox: Sandbox, script: &str) -> Sandbox {
    let text = format!("#!/bin/sh\nfor f; do :; done\n{script}\n");
    let path = sandbox.write("editor", text);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("set");
    sandbox.env("KUBE_EDITOR", path.display().to_string()).env("EDITOR", "false")
}

#[cfg(target_os = "linux")]
#[test]
fn edit_shows_text_in_memory_and_keeps_what_did_not_change() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("bin", b"\x00\xff");
    let args = [
        "create",
        "db",
        "-nprod",
        "--kek=local",
        "--from-file=bin",
        "--from-literal=a=one",
        "--from-literal=b=l1\nl2",
        "-w",
        "db.yaml",
    ];
    sandbox.run(args).succeeds();
    let before = sandbox.read("db.yaml");
    let sandbox = editor(
        sandbox,
        "cat $f > shown; stat -f -c %T $f > fs; stat -c %a $f $(dirname $f) > modes; dirname $f > where\nsed -i 's/^a: one/a: two/; s/^  l2/  l3/' $f; echo 'new: 0123' >> $f",
    );
    let run = sandbox.run(["edit", "-f", "db.yaml"]).succeeds();
    assert_eq!(run.stdout, "secret/db edited\n");
    let shown = sandbox.read("shown");
    let text: Vec<_> = shown.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(text, ["a: one", "b: |-", "  l1", "  l2", "bin: !!binary |", "  AP8="]);
    assert!(shown.starts_with("# Secret prod/db, type Opaque\n"));
    assert!(
        ["tmpfs\n", "ramfs\n"].contains(&sandbox.read("fs").as_str()),
        "{}",
        sandbox.read("fs")
    );
    assert_eq!(sandbox.read("modes"), "600\n700\n");
    assert!(!Path::new(sandbox.read("where").trim()).exists(), "it is gone");
    let after = sandbox.read("db.yaml");
    assert_eq!(value(&after, "bin"), value(&before, "bin"));
    let json = sandbox.run(["unwrap", "-f", "db.yaml", "-ojson"]).succeeds().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        json["data"],
        serde_json::json!({"a": "dHdv", "b": "bDEKbDM=", "bin": "AP8=", "new": "MDEyMw=="})
    );
}

#[cfg(target_os = "linux")]
#[test]
fn an_edit_can_be_cancelled_and_a_mistake_opens_the_editor_again() {
    for (script, told) in [
        ("true", ""),
        (": > $f", "note: the text is empty: nothing was changed\n"),
        ("echo '# all' > $f", "note: the text is empty: nothing was changed\n"),
    ] {
        let sandbox = editor(with_file(&["a=one"]), script);
        let before = sandbox.read("db.yaml");
        let run = sandbox.run(["edit", "-f", "db.yaml"]).succeeds();
        assert_eq!(run.stdout, "secret/db unchanged\n");
        assert!(run.stderr.ends_with(told), "{}", run.stderr);
        assert_eq!(sandbox.read("db.yaml"), before);
    }
    // Wrong at first, then right; the person's text is still there.
    let script = "cp $f shown.$(ls shown.* 2>/dev/null | wc -l)\nif grep -q '^# error' $f; then sed -i 's/^a b: /b: /' $f; else echo 'a b: hunter2' >> $f; fi";
    let sandbox = editor(with_file(&["a=one"]), script);
    let run = sandbox.run(["edit", "-f", "db.yaml"]).succeeds();
    assert_eq!(open(&sandbox), "a=one\nb=hunter2\n", "{}", run.stderr);
    let again = sandbox.read("shown.1");
    let number = again.lines().position(|line| line == "a b: hunter2").expect("kept") + 1;
    let error = format!("# error: line {number}: its key is not a valid key for a Secret\n");
    assert!(again.starts_with(&error), "{again}");
    // Wrong and left so.
    let sandbox = editor(with_file(&["a=one"]), "grep -q '^# error' $f || echo '- hunter2' >> $f");
    let error = sandbox.run(["edit", "-f", "db.yaml"]).fails(1);
    assert!(
        error.contains("cannot be used, and nothing was changed: line 6")
            && !error.contains("hunter2"),
        "{error}"
    );
    // A comment is no value.
    let sandbox = editor(with_file(&["a=one"]), "sed -i 's/^a: one/a: #hunter2/' $f");
    let error = sandbox.run(["edit", "-f", "db.yaml"]).fails(1);
    assert!(
        error.contains("a part of its value would be lost") && !error.contains("hunter2"),
        "{error}"
    );
    // Its screen is for the terminal alone.
    let sandbox = editor(with_file(&["a=one"]), "cat $f; sed -i 's/one/two/' $f");
    let run = sandbox.pipe(sandbox.read("db.yaml"), ["edit", "-f", "-"]).succeeds();
    assert!(
        run.stdout.starts_with("apiVersion: v1\n") && !run.stdout.contains("a: one"),
        "{}",
        run.stdout
    );
    // An editor that fails.
    let sandbox = editor(with_file(&["a=one"]), "exit 3");
    let error = sandbox.run(["edit", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("ended with exit status: 3"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_when_an_edit_is_broken_off() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let (sandbox, child, place, _memory) = editing();
        kill(Pid::from_raw(child.id() as i32), signal).expect("sent");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130));
        assert!(!place.exists(), "{}", place.display());
        assert_eq!(open(&sandbox), "a=one\n");
    }
    // Ctrl-C is the editor's; this one ends of it.
    let (_sandbox, child, place, _memory) = editing();
    kill(Pid::from_raw(-(child.id() as i32)), Signal::SIGINT).expect("sent");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!place.exists());
    // What a killed one leaves, the next one takes away.
    let (sandbox, mut child, place, _memory) = editing();
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(place.exists());
    kill(Pid::from_raw(-(child.id() as i32)), Signal::SIGKILL).expect("its editor too");
    let sandbox = editor(sandbox, "true");
    sandbox.run(["edit", "-f", "db.yaml"]).succeeds();
    assert!(!place.exists(), "{}", place.display());
}

/// An edit under way, and where its text is. It runs in a session of its own, and has memory of
/// its own: an edit of another test would remove what a killed one left.
fn editing() -> (Sandbox, Child, PathBuf, tempfile::TempDir) {
    let memory = tempfile::tempdir_in("/dev/shm").expect("a directory in memory");
    let sandbox = with_file(&["a=one"]).env("XDG_RUNTIME_DIR", memory.path().display().to_string());
    let sandbox = editor(sandbox, "dirname $f > where.new; mv where.new where; exec sleep 600");
    let mut command = sandbox.command();
    let child =
        command.args(["edit", "-f", "db.yaml"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let started = std::time::Instant::now();
    while !sandbox.work().join("where").exists() {
        assert!(started.elapsed().as_secs() < 20, "the editor does not start");
        std::thread::yield_now();
    }
    let place = PathBuf::from(sandbox.read("where").trim());
    assert_eq!(mode(&place), 0o700);
    (sandbox, child, place, memory)
}

#[test]
fn vim_keeps_no_copy_elsewhere() {
    if !Path::new("/usr/bin/vim").exists() {
        return;
    }
    let sandbox = with_file(&["a=one"]).env("EDITOR", "vim").env("TERM", "xterm");
    let home = sandbox.work().parent().expect("a home").to_owned();
    let copies = home.join("copies");
    std::fs::create_dir(&copies).expect("made");
    let settings = format!(
        "set backup writebackup undofile swapfile\nset backupdir={0} undodir={0} directory={0}\nset viminfo='10,n{0}/viminfo\nautocmd VimEnter * set undofile backup writebackup\nautocmd BufWinEnter * set undofile\n",
        copies.display()
    );
    std::fs::write(home.join(".vimrc"), settings).expect("written");
    let mut terminal = session(&sandbox, &["edit", "-f", "db.yaml"]);
    see(&mut terminal, "All");
    terminal.send_line(":%s/one/hunter2/").expect("typed");
    see(&mut terminal, "hunter2");
    terminal.send_line(":w").expect("typed");
    terminal.send_line(":wq").expect("typed");
    ends(terminal, 0);
    assert_eq!(open(&sandbox), "a=hunter2\n");
    let left: Vec<_> = std::fs::read_dir(&copies).expect("listed").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The disk refuses what was edited, and someone else has changed another value: the
/// editor opens again on what was written, and nothing of theirs is undone.
#[test]
fn what_was_edited_survives_a_refusal_and_undoes_nothing() {
    if !Path::new("/usr/bin/vim").exists() {
        return;
    }
    let sandbox = with_file(&["a=one", "b=two"]).env("EDITOR", "vim").env("TERM", "xterm");
    let mut terminal = session(&sandbox, &["edit", "-f", "db.yaml"]);
    see(&mut terminal, "All");
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=b=theirs"]).succeeds();
    terminal.send_line(":%s/one/mine/").expect("typed");
    see(&mut terminal, "mine");
    terminal.send_line(":wq").expect("typed");
    // The file was changed meanwhile: what is above the text says so.
    see(&mut terminal, "# error: `db.yaml` changed while the command ran");
    terminal.send_line(":wq").expect("typed");
    let rest = ends(terminal, 0);
    assert!(rest.contains("secret/db edited"), "{rest}");
    assert_eq!(open(&sandbox), "a=mine\nb=theirs\n");
}
