//! What people type, and what they are told: words of other programs, prompts, order.

use crate::sandbox::{Run, Sandbox, own};
use crate::terminal::{answer, ends, see, session};

#[test]
fn only_a_yes_is_a_yes() {
    let (sandbox, other) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    sandbox.write(".envcrypt.yaml", format!("rules: [{{keks: ['{}']}}]", own(&other)));
    let args = ["create", "db", "--generate=a", "-nprod", "--dry-run=client"];
    for (typed, is_yes) in [
        ("no way", false),
        ("yesterday", false),
        ("n", false),
        ("", false),
        ("y n", false),
        (" Yes ", true),
    ] {
        let mut question = session(&sandbox, &args);
        answer(&mut question, "go ahead [y/N]", typed);
        ends(question, i32::from(!is_yes));
    }
}

#[test]
fn a_no_is_remembered_and_a_dry_run_asks_nothing() {
    let (sandbox, other) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    sandbox.write(".envcrypt.yaml", format!("rules: [{{keks: ['{}']}}]", own(&other)));
    for name in ["a", "b", "c"] {
        let plain = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: prod}}\nstringData: {{a: one}}\n"
        );
        sandbox.write(&format!("d/{name}.yaml"), plain);
    }
    let mut seal = session(&sandbox, &["seal", "-i", "-f", "d"]);
    answer(&mut seal, "is this KEK yours?", "n");
    let rest = ends(seal, 1);
    assert!(rest.contains("3 of 3 failed") && !rest.contains("is this KEK yours"), "{rest}");
    let dry = session(&sandbox, &["seal", "-i", "-f", "d", "--dry-run"]);
    let rest = ends(dry, 0);
    assert!(!rest.contains("yours") && rest.contains("(dry run)"), "{rest}");
    // The same for what a Secret names, of which nothing is known.
    let aws =
        "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let sealed = crate::sealed::with_kek(&sandbox.sealed(&["a=b"]), "awskms", aws);
    sandbox.write(".envcrypt.yaml", "rules: []");
    sandbox.write("s/1.yaml", &sealed);
    sandbox.write("s/2.yaml", &sealed);
    let mut rotate = session(&sandbox, &["rotate", "-f", "s", "--kek=local"]);
    answer(&mut rotate, "use this KEK to open the Secrets of that namespace?", "n");
    let rest = ends(rotate, 1);
    assert!(rest.contains("2 of 2 failed") && !rest.contains("use this KEK to open"), "{rest}");
}

#[test]
fn a_prompt_says_for_which_secret_and_a_paste_ends_it() {
    let sandbox = Sandbox::with_local_key();
    let args = ["create", "db", "password", "-nprod", "--kek=local", "-w", "db.yaml"];
    let mut create = session(&sandbox, &args);
    see(&mut create, "For the Secret `prod/db`. What you type for a value is not shown.");
    answer(&mut create, "password: ", "one");
    let seen = answer(&mut create, "password (again): ", "one");
    assert_eq!(seen, "\r\n", "one line for each entry");
    ends(create, 0);
    std::fs::remove_file(sandbox.work().join("db.yaml")).expect("removed");
    let mut paste = session(&sandbox, &args);
    see(&mut paste, "password: ");
    paste.send("one\ntwo\nthree\nfour\n").expect("typed");
    paste.flush().expect("typed");
    let rest = ends(paste, 1);
    assert!(rest.contains("the input for password has more than one line"), "{rest}");
}

#[test]
fn words_that_people_try_get_an_answer() {
    let sandbox = Sandbox::with_local_key();
    let run = |args: &[&str]| sandbox.run(args);
    assert!(run(&["version"]).succeeds().stdout.starts_with("kubectl-envcrypt 0."));
    assert!(run(&["help", "create"]).succeeds().stdout.contains("--from-stdin"));
    assert!(run(&["help"]).succeeds().stdout.contains("Commands:"));
    assert!(run(&["options"]).succeeds().stdout.contains("--kubeconfig"));
    let plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: prod}\nstringData: {a: one}\n";
    let sealed = sandbox.pipe(plain, ["encrypt", "-f", "-", "--kek=local"]).succeeds().stdout;
    assert_eq!(sandbox.pipe(&sealed, ["decrypt", "-f", "-", "a"]).succeeds().stdout, "one");
    let error = run(&["delete", "db", "-n", "prod"]).fails(2);
    assert!(error.contains("`kubectl delete secret db`"), "{error}");
    let error = run(&["create", "secret", "generic", "db", "--from-literal=a=hunter2"]).fails(2);
    assert!(
        error.contains("`kubectl envcrypt create db`") && !error.contains("hunter2"),
        "{error}"
    );
    let error = run(&["create", "secret", "tls", "web"]).fails(2);
    assert!(error.contains("`kubectl envcrypt create web --type tls`"), "{error}");
    sandbox.write("my sealed.yaml", &sealed);
    for command in ["unwrap", "inspect", "edit", "seal", "rotate", "exec"] {
        let mut args = vec![command, "my sealed.yaml"];
        if command == "exec" {
            args.extend(["--", "true"]);
        }
        let mut command = sandbox.command();
        let run = Run::from(command.args(&args).env("EDITOR", "true").output().expect("it runs"));
        // There is no cluster here: whichever is found first, the answer is the same.
        let error = run.stderr;
        assert!(
            error.contains("is a file: name it with `-f 'my sealed.yaml'`"),
            "{args:?}: {error}"
        );
    }
    // A flag that is mistyped is no value.
    let error = run(&["unwrap", "--restart"]).fails(2);
    assert!(
        error.contains("unexpected argument '--restart'") && !error.contains("-- --"),
        "{error}"
    );
}

#[test]
fn results_come_in_order_with_their_files_and_a_reason_is_told_once() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    let names: Vec<_> = (10..40).map(|index| format!("d/{index}.yaml")).collect();
    names.iter().for_each(|name| drop(sandbox.write(name, &sealed)));
    let run = sandbox.run(["rotate", "-f", "d"]).succeeds();
    let expected: String =
        names.iter().map(|name| format!("secret/db rotated ({name})\n")).collect();
    assert_eq!(run.stdout, expected);
    // All fail for the same reason.
    let stranger = Sandbox::with_local_key();
    for name in &names {
        stranger.write(name, sandbox.read(name));
    }
    let run = stranger.run(["rotate", "-f", "d", "--kek=local"]);
    let count = |start: &str| run.stderr.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("error: "), names.len() + 1, "{}", run.stderr);
    assert!(count("cause: ") <= 2 && count("hint: ") <= 2, "{}", run.stderr);
}

#[test]
fn a_folder_is_compared_and_applied_past_what_else_it_holds() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("d/db.yaml", sandbox.sealed(&["a=b"]));
    sandbox.write("d/values.yaml", "replicas: 2\n");
    sandbox.write("d/plain.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: p}\n");
    let run = sandbox.run(["apply", "-R", "-f", "d", "--dry-run=client"]).succeeds();
    assert_eq!(run.stdout, "secret/db serverside-applied (dry run) (d/db.yaml)\n");
    assert!(
        run.stderr.contains("skipped plain Secrets and files that are not manifests: 2"),
        "{}",
        run.stderr
    );
    // What is named is meant.
    sandbox.run(["apply", "-f", "d/values.yaml", "--dry-run=client"]).fails(1);
    sandbox.run(["apply", "-f", "d/plain.yaml", "--dry-run=client"]).fails(1);
}

#[test]
fn a_post_quantum_key_is_not_undone_by_another() {
    let (sandbox, classical) = (Sandbox::new(), Sandbox::with_local_key());
    sandbox.run(["kek", "new", "--post-quantum"]).succeeds();
    let (strong, weak) = (own(&sandbox), own(&classical));
    let create = |keks: &[&str]| {
        let keks = keks.iter().map(|kek| format!("--kek={kek}"));
        let fixed = ["create", "db", "--generate=a", "-nprod", "--dry-run=client", "-oyaml"];
        sandbox.run(fixed.map(str::to_owned).into_iter().chain(keks))
    };
    for weak in [&*weak, "azurekms://team.vault.azure.net/k"] {
        let error = create(&[&strong, weak]).fails(1);
        assert!(
            error.contains("cannot be combined with the post-quantum KEK") && error.contains(weak),
            "{error}"
        );
    }
    sandbox.write("db.yaml", create(&[&strong]).succeeds().stdout);
    let error = sandbox.run(["rewrap", "-f", "db.yaml", "--add", &weak]).fails(1);
    assert!(error.contains("cannot be combined with the post-quantum KEK"), "{error}");
    // From one to the other is no mixture.
    sandbox.run(["rewrap", "-f", "db.yaml", "--kek", &weak]).succeeds();
}

#[test]
fn an_end_of_input_at_a_passphrase_is_told_as_such() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    sandbox.write("db.yaml", &sealed);
    let file = sandbox.config().join("identities/local.txt");
    let identity = std::fs::read(&file).expect("there");
    let mut recipient = age::scrypt::Recipient::new("open".to_owned().into());
    recipient.set_work_factor(2);
    std::fs::write(&file, age::encrypt_and_armor(&recipient, &identity).expect("locked"))
        .expect("written");
    let mut unwrap = session(&sandbox, &["unwrap", "-f", "db.yaml"]);
    see(&mut unwrap, "passphrase for");
    unwrap.send_control('d').expect("typed");
    let rest = ends(unwrap, 1);
    assert!(rest.contains("the prompt got no answer"), "{rest}");
}

#[test]
fn an_editor_is_not_started_where_nobody_sits() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    let error = sandbox.run(["edit", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("there is no terminal for the editor\nhint: without a terminal, run `kubectl envcrypt set`"), "{error}");
}
