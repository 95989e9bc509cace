//! KEKs: the local key, age recipients of every kind, trust, rules.

use crate::sandbox::{Run, Sandbox, mode};

const CREATE: [&str; 6] =
    ["create", "db", "--from-literal=a=b", "-nprod", "--dry-run=client", "-oyaml"];

#[test]
fn the_local_key_is_private_and_never_overwritten() {
    let sandbox = Sandbox::new();
    let uri = sandbox.run(["kek", "new"]).succeeds().stdout;
    assert!(uri.starts_with("age:age1"), "{uri}");
    let file = sandbox.config().join("identities/local.txt");
    assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
    let before = std::fs::read(&file).expect("there");
    let error = sandbox.run(["kek", "new"]).fails(1);
    assert!(error.contains("a local key already exists") && !error.contains("remove"), "{error}");
    assert_eq!(std::fs::read(&file).expect("there"), before);
    assert!(sandbox.run(["kek", "list"]).succeeds().stdout.starts_with(uri.trim()));
    assert!(sandbox.run(["kek", "test", "local"]).succeeds().stdout.contains(" works ("));
}

#[test]
fn naming_local_makes_it_once_and_anything_else_says_how() {
    let sandbox = Sandbox::new();
    let error = sandbox.run(CREATE).fails(1);
    assert!(error.contains("run `kubectl envcrypt kek new`, then use `--kek local`"), "{error}");
    let mut command = sandbox.command();
    let error =
        Run::from(command.env("ENVCRYPT_KEK", "local").args(CREATE).output().expect("runs"))
            .fails(1);
    assert!(error.contains("there is no local key"), "{error}");
    let first = sandbox.run(CREATE.iter().chain(&["--kek=local"])).succeeds();
    assert!(first.stderr.contains("note: created your local key"));
    let second = sandbox.run(CREATE.iter().chain(&["--kek=local"])).succeeds();
    assert_eq!(second.stderr.matches("created your local key").count(), 0);
    sandbox.pipe(first.stdout, ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn a_post_quantum_key_works_like_any_other() {
    let sandbox = Sandbox::new();
    let uri = sandbox.run(["kek", "new", "--post-quantum"]).succeeds().stdout;
    assert!(uri.starts_with("age:age1pq1"), "{uri}");
    let sealed = sandbox.run(CREATE.iter().chain(&["--kek=local"])).succeeds().stdout;
    assert_eq!(sandbox.pipe(sealed, ["unwrap", "-f", "-", "a"]).succeeds().stdout, "b");
}

#[test]
fn ssh_keys_seal_and_open() {
    let keys = [
        (include_str!("keys/ed25519"), include_str!("keys/ed25519.pub")),
        (include_str!("keys/rsa"), include_str!("keys/rsa.pub")),
    ];
    for (identity, recipient) in keys {
        let sandbox = Sandbox::new();
        let identity = sandbox.write("id", identity).display().to_string();
        // With its comment, as it stands in the file.
        let recipient = format!("--kek=age:{}", recipient.trim());
        let sealed = sandbox.run(CREATE.iter().copied().chain([recipient.as_str()]));
        let sealed = sealed.succeeds().stdout;
        let error = sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).fails(1);
        assert!(error.contains("you have no age identity here"), "{error}");
        let sandbox = sandbox.env("ENVCRYPT_AGE_IDENTITIES", identity);
        assert_eq!(sandbox.pipe(&sealed, ["unwrap", "-f", "-", "a"]).succeeds().stdout, "b");
    }
}

#[test]
fn several_keks_and_any_one_opens() {
    let (mine, yours, stranger) =
        (Sandbox::with_local_key(), Sandbox::with_local_key(), Sandbox::with_local_key());
    let recipient = yours.run(["kek", "list"]).succeeds().stdout;
    let recipient = format!("--kek={}", recipient.split(' ').next().expect("a URI"));
    let sealed =
        mine.run(CREATE.iter().copied().chain(["--kek=local", &recipient])).succeeds().stdout;
    for sandbox in [&mine, &yours] {
        assert_eq!(sandbox.pipe(&sealed, ["unwrap", "-f", "-", "a"]).succeeds().stdout, "b");
    }
    let error = stranger.pipe(&sealed, ["unwrap", "-f", "-"]).fails(1);
    assert!(
        error.contains(
            "cause: none of your age identities opens it\nhint: tried one identity file; list more"
        ),
        "{error}"
    );
}

#[test]
fn a_broken_identity_file_is_named_and_never_quoted() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    std::fs::write(sandbox.config().join("identities/zzz.txt"), "hunter2").expect("written");
    // It does not keep the others from opening.
    sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).succeeds();
    let stranger = Sandbox::with_local_key().sealed(&["a=b"]);
    let error = sandbox.pipe(stranger, ["unwrap", "-f", "-"]).fails(1);
    assert!(
        error.contains("zzz.txt` is not an age identity file") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn a_rule_names_the_kek_where_nothing_else_does() {
    let sandbox = Sandbox::with_local_key();
    let other = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let other = other.split(' ').next().expect("a URI").to_owned();
    let rules = format!("rules:\n- {{namespace: prod, keks: [local]}}\n- {{keks: ['{other}']}}\n");
    sandbox.write(".envcrypt.yaml", rules);
    let run = |args: &[&str]| {
        sandbox
            .run(["create", "db", "--generate=a", "--dry-run=client", "-oyaml"].iter().chain(args))
    };
    let sealed = run(&["-nprod"]).succeeds().stdout;
    sandbox.pipe(sealed, ["unwrap", "-f", "-"]).succeeds();
    let error = run(&["-ndev"]).fails(1);
    assert!(error.contains(&format!("may not seal to in `dev`: `{other}`")), "{error}");
    // To open is not to seal, and one namespace is not another.
    sandbox.run(["kek", "trust", "-ndev", &other]).succeeds();
    sandbox.run(["kek", "trust", "--seal", "-nprod", &other]).succeeds();
    assert!(run(&["-ndev"]).fails(1).contains("may not seal to in `dev`"));
    sandbox.run(["kek", "trust", "--seal", "-ndev", &other]).succeeds();
    assert!(run(&["-ndev"]).succeeds().stdout.contains("kind: Secret"));
    sandbox.run(["kek", "trust", "--remove", &other]).succeeds();
    assert!(run(&["-ndev"]).fails(1).contains("may not seal to in `dev`"));
    // A flag goes before the rule, and so does the environment.
    run(&["-ndev", "--kek=local"]).succeeds();
}

#[test]
fn the_users_own_settings_come_last() {
    let sandbox = Sandbox::with_local_key();
    std::fs::write(sandbox.config().join("config.yaml"), "keks: [local]\n").expect("written");
    sandbox.run(CREATE).succeeds();
    std::fs::write(sandbox.config().join("config.yaml"), "kek: local\n").expect("written");
    assert!(sandbox.run(CREATE).fails(1).contains("config.yaml` is not a valid configuration"));
}

#[test]
fn only_the_identity_of_the_named_recipient_opens_and_only_named_keks_are_asked() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    // A recipient that is shown is the one that opens: not another, under its name.
    let other = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let other = other.split(' ').next().expect("a URI").to_owned();
    let renamed = crate::sealed::with_kek(&sealed, "age", &other);
    assert!(sandbox.pipe(renamed, ["unwrap", "-f", "-"]).fails(1).contains("cannot be opened"));
    // Whoever can write the file could seal to the public local recipient in
    // place of the KMS: not where the KEK is named.
    let named = ["unwrap", "-f", "-", "--kek=awskms:///alias/prod"];
    assert!(
        sandbox
            .pipe(&sealed, named)
            .fails(1)
            .contains("`ENVCRYPT_KEK` names none of the KEKs of the Secret")
    );
    let sandbox = sandbox.env("ENVCRYPT_KEK", "local,awskms:///alias/prod");
    sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).succeeds();
    let sandbox = sandbox.env("ENVCRYPT_KEK", "awskms:///alias/prod");
    assert!(
        sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).fails(1).contains("names none of the KEKs")
    );
}

#[test]
fn a_slip_in_a_name_is_noticed_and_an_identity_is_never_quoted() {
    let sandbox = Sandbox::with_local_key();
    sandbox.run(["kek", "trust", "local"]).succeeds();
    assert!(
        sandbox
            .run(["kek", "trust", "age:age1xyz"])
            .fails(1)
            .contains("it is not a valid age recipient")
    );
    let file = sandbox.config().join("identities/local.txt");
    let identity = std::fs::read_to_string(file).expect("there");
    let identity = identity.lines().last().expect("a line");
    for words in
        [&["kek", "list", identity][..], &[identity], &["create", "db", "--scope", identity]]
    {
        let error = sandbox.run(words).fails(2);
        assert!(error.contains("is a secret key") && !error.contains(identity), "{error}");
    }
    for kek in [format!("--kek={identity}"), format!("--kek=age:{identity}")] {
        let error = sandbox.run(CREATE.iter().copied().chain([kek.as_str()])).fails(2);
        assert!(
            error.contains("an age identity is a secret key") && !error.contains(identity),
            "{error}"
        );
    }
}

#[test]
fn only_a_trusted_kek_is_asked() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    // The same file, but naming a KMS that this machine never heard of.
    let theirs =
        crate::sealed::with_kek(&sealed, "awskms", "awskms:///arn:aws:kms:eu-west-1:1:key/1");
    let error = sandbox.pipe(&theirs, ["unwrap", "-f", "-"]).fails(1);
    assert!(
        error.contains(
            "has no KEK that this machine trusts in the namespace `prod`: `awskms:///arn:aws:kms:eu-west-1:1:key/1`"
        ),
        "{error}"
    );
    assert!(
        error.contains(
            "hint: if you know this KEK, run `kubectl envcrypt kek trust -n prod 'awskms"
        ),
        "{error}"
    );
    // Nor does a file in the repository make it trusted.
    sandbox.write(".envcrypt.yaml", "rules: [{keks: ['awskms:///arn:aws:kms:eu-west-1:1:key/1']}]");
    let error = sandbox.pipe(&theirs, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("kek trust -n prod 'awskms"), "{error}");
}
