//! Which KEKs may open, and which may be sealed to: what an attacker with write access
//! to the repository would try.

use crate::sandbox::{Sandbox, own};
use crate::sealed::{change_recipients, sealed_under};

/// A KMS key that this machine cannot reach; nothing here asks it.
const AWS: &str =
    "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn to_open_once_gives_no_right_to_be_sealed_to() {
    let (victim, attacker) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let theirs = own(&attacker);
    victim.run(["kek", "trust", "-nprod", &theirs]).succeeds();
    victim.write(".envcrypt.yaml", format!("rules: [{{keks: ['{theirs}']}}]"));
    let create = ["create", "pw", "--generate=a", "-nprod", "-w", "z.yaml"];
    let error = victim.run(create).fails(1);
    assert!(error.contains("may not seal to in `prod`"), "{error}");
    let sealed = victim.sealed(&["a=b"]);
    victim.write("db.yaml", &sealed);
    for args in [["rewrap", "-f", "db.yaml"], ["rewrap", "-f", "."]] {
        victim.run(args).fails(1);
        assert_eq!(victim.read("db.yaml"), sealed);
    }
}

#[test]
fn a_rule_says_what_opens_a_namespace() {
    let sandbox = Sandbox::with_local_key();
    let forged = sandbox.sealed(&["a=b"]);
    let rules = |keks: &str| {
        sandbox.write(
            ".envcrypt.yaml",
            format!("rules:\n- {{namespace: prod, keks: [{keks}]}}\n- keks: [local]\n"),
        );
    };
    rules(&format!("'{AWS}'"));
    sandbox.write("db.yaml", &forged);
    for args in
        [&["unwrap", "-f", "db.yaml"][..], &["apply", "--unwrap", "-f", "db.yaml", "--dry-run"]]
    {
        let error = sandbox.run(args).fails(1);
        assert!(error.contains("names none of the KEKs of the Secret"), "{error}");
    }
    // The same from standard input, and what the rule of its directory says.
    sandbox.pipe(&forged, ["unwrap", "-f", "-"]).fails(1);
    rules("local");
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
    sandbox.write("deploy/.envcrypt.yaml", format!("rules: [{{keks: ['{AWS}']}}]"));
    sandbox.write("deploy/db.yaml", &forged);
    sandbox.run(["unwrap", "-f", "deploy/db.yaml"]).fails(1);
    // The person's own word goes before a rule.
    sandbox.run(["unwrap", "-f", "deploy/db.yaml", "--kek=local"]).succeeds();
}

#[test]
fn the_persons_own_rules_come_before_the_repositorys() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    sandbox.write("db.yaml", &sealed);
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local]}]");
    let settings = sandbox.config().join("config.yaml");
    std::fs::write(&settings, format!("rules: [{{namespace: prod, keks: ['{AWS}']}}]"))
        .expect("written");
    let error = sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("config.yaml` names"), "{error}");
    std::fs::write(&settings, "rules: [{namespace: dev, keks: [local]}]").expect("written");
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
}

#[test]
fn a_public_recipient_does_not_take_the_place_of_a_kms() {
    let sandbox = Sandbox::with_local_key();
    let recipient = own(&sandbox);
    // Sealed by someone who knows the recipient, on another machine.
    let forged = sealed_under(&Sandbox::new(), &[&recipient]);
    sandbox.pipe(&forged, ["unwrap", "-f", "-"]).succeeds();
    sandbox.run(["kek", "trust", "-nprod", AWS]).succeeds();
    let error = sandbox.pipe(&forged, ["unwrap", "-f", "-"]).fails(1);
    assert!(
        error.contains("has no KEK that this machine trusts in the namespace `prod`"),
        "{error}"
    );
    // What was sealed to it from here is meant.
    let sealed = sandbox.sealed(&["a=b"]);
    sandbox.pipe(sealed, ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn values_and_seal_are_under_the_same_keks() {
    let (sandbox, other) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let theirs = own(&other);
    let both = sealed_under(&sandbox, &["local", &theirs]);
    // The seal under one of them alone: whoever may use that one could have made it.
    let only = |yaml: &str| change_recipients(yaml, |recipients| recipients.truncate(1));
    let mixed = {
        let read = |yaml: &str| -> serde_yaml::Value { serde_yaml::from_str(yaml).expect("YAML") };
        let (mut whole, part) = (read(&both), read(&only(&both)));
        let seal = part["metadata"]["annotations"]["envcrypt.dev/seal"].clone();
        whole["metadata"]["annotations"]["envcrypt.dev/seal"] = seal;
        serde_yaml::to_string(&whole).expect("YAML")
    };
    sandbox.pipe(&both, ["unwrap", "-f", "-"]).succeeds();
    sandbox.pipe(only(&both), ["unwrap", "-f", "-"]).succeeds();
    let error = sandbox.pipe(&mixed, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("`prod/db` are under different KEKs"), "{error}");
    // The person allows it, or a rule of their own. A rule of the repository does not:
    // whoever wrote the Secret can write that, too.
    let args = ["unwrap", "-f", "-", "--kek=local", "--kek", &theirs];
    sandbox.pipe(&mixed, args).succeeds();
    let rules = format!("rules: [{{keks: [local, '{theirs}']}}]");
    sandbox.write(".envcrypt.yaml", &rules);
    sandbox.pipe(&mixed, ["unwrap", "-f", "-"]).fails(1);
    let settings = sandbox.config().join("config.yaml");
    std::fs::write(&settings, rules).expect("written");
    sandbox.pipe(&mixed, ["unwrap", "-f", "-"]).succeeds();
    std::fs::remove_file(settings).expect("removed");
    std::fs::remove_file(sandbox.work().join(".envcrypt.yaml")).expect("removed");
}

/// The names of KEKs are not authenticated: someone who may use one of two KEKs puts the
/// other's name beside it, on a seal of their own over an old value under the other.
#[test]
fn a_kek_that_is_only_named_does_not_make_the_keks_the_same() {
    let sandbox = Sandbox::with_local_key();
    let dev = Sandbox::with_local_key();
    let (prod, dev_key) = (own(&sandbox), own(&dev));
    // Both may open here: the victim holds both identities.
    let identity = dev.config().join("identities/local.txt").display().to_string();
    let victim = sandbox.env("ENVCRYPT_AGE_IDENTITIES", identity);
    let read = |yaml: &str| -> serde_yaml::Value { serde_yaml::from_str(yaml).expect("YAML") };
    let under = |kek: &str, junk: &str| {
        let sealed = sealed_under(&Sandbox::new(), &[kek]);
        read(&crate::sealed::with_one_more_kek(&sealed, junk))
    };
    let old = under(&prod, &dev_key);
    let mut forged = under(&dev_key, &prod);
    // The value is prod's, the seal is dev's, over just that value: made with dev's tool.
    let value = old["data"]["key0"].clone();
    forged["data"]["key0"] = value;
    let forged = serde_yaml::to_string(&forged).expect("YAML");
    let error = victim.pipe(&forged, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("are under different KEKs"), "{error}");
    victim.write("db.yaml", &forged);
    let error = victim.run(["rewrap", "-f", "db.yaml", "--kek=local"]).fails(1);
    assert!(error.contains("are under different KEKs"), "{error}");
    // A Secret that was changed later has two data keys, each under both: that is whole.
    let both = ["--kek", &prod, "--kek", &dev_key];
    let create = ["create", "x", "-nprod", "--generate=a", "--generate=b", "-w", "x.yaml"];
    victim.run(create.iter().chain(&both)).succeeds();
    victim.run(["set", "-f", "x.yaml", "--generate=a"]).succeeds();
    victim.run(["unwrap", "-f", "x.yaml"]).succeeds();
    victim.run(["rewrap", "-f", "x.yaml", "--remove", &dev_key]).succeeds();
}

#[test]
fn a_rule_of_the_repository_allows_nothing() {
    let sandbox = Sandbox::with_local_key();
    let recipient = own(&sandbox);
    sandbox.run(["kek", "trust", "-nprod", AWS]).succeeds();
    let forged = sealed_under(&Sandbox::new(), &[&recipient]);
    sandbox.write("db.yaml", &forged);
    for rules in ["local".to_owned(), format!("'{AWS}', '{recipient}'")] {
        sandbox.write(".envcrypt.yaml", format!("rules: [{{namespace: prod, keks: [{rules}]}}]"));
        let error = sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
        assert!(
            error.contains("has no KEK that this machine trusts in the namespace `prod`"),
            "{error}"
        );
    }
}

#[test]
fn an_identity_that_others_share_is_not_sealed_to_unasked() {
    let (victim, team) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let shared = own(&team);
    let file = team.config().join("identities/local.txt");
    std::fs::copy(file, victim.config().join("identities/team.txt")).expect("copied");
    victim.write(".envcrypt.yaml", format!("rules: [{{keks: ['{shared}']}}]"));
    let error = victim.run(["create", "x", "-nprod", "--generate=a", "-w", "x.yaml"]).fails(1);
    assert!(error.contains("may not seal to in `prod`"), "{error}");
    let sealed = victim.sealed(&["a=b"]);
    victim.write("db.yaml", &sealed);
    victim.run(["rewrap", "-f", "db.yaml"]).fails(1);
    assert_eq!(victim.read("db.yaml"), sealed);
}

#[test]
fn what_a_file_says_of_its_namespace_grants_one_secret_and_no_more() {
    let (sandbox, dev) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let dev = own(&dev);
    let chart = "apiVersion: v1\nkind: Secret\nmetadata: {name: bait, namespace: prod}\nstringData: {a: b}\n";
    sandbox.pipe(chart, ["seal", "-f", "-", "--kek", &dev]).succeeds();
    let list = sandbox.run(["kek", "list"]).succeeds().stdout;
    let line = list.lines().find(|line| line.starts_with(&dev)).expect("it is listed");
    assert!(line.contains(" prod/bait "), "{line}");
    sandbox.write(".envcrypt.yaml", format!("rules: [{{namespace: prod, keks: ['{dev}']}}]"));
    sandbox.run(["create", "pw", "-nprod", "--generate=a", "-w", "x.yaml"]).fails(1);
    // The namespace that the person named is another matter.
    sandbox.pipe(chart, ["seal", "-f", "-", "--kek", &dev, "-nprod"]).succeeds();
    sandbox.run(["create", "pw", "-nprod", "--generate=a", "-w", "x.yaml"]).succeeds();
}

#[test]
fn a_pipe_by_another_name_is_standard_input() {
    let sandbox = Sandbox::with_local_key();
    let forged = sandbox.sealed(&["a=b"]);
    sandbox.write(".envcrypt.yaml", format!("rules: [{{namespace: prod, keks: ['{AWS}']}}]"));
    for path in ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let error = sandbox.pipe(&forged, ["unwrap", "-f", path]).fails(1);
        assert!(error.contains("names none of the KEKs of the Secret"), "{path}: {error}");
    }
}

#[test]
fn rewrap_brings_a_secret_under_the_keks_of_a_rule_that_has_changed() {
    let (sandbox, other) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let new = own(&other);
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    sandbox.run(["kek", "trust", "--seal", "-nprod", &new]).succeeds();
    sandbox.write(".envcrypt.yaml", format!("rules: [{{keks: ['{new}']}}]"));
    sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
    sandbox.run(["rewrap", "-f", "db.yaml"]).succeeds();
    other.pipe(sandbox.read("db.yaml"), ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn a_name_that_stands_for_no_kek_opens_nothing() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    let (local, elsewhere) =
        (sandbox.config().join("identities/local.txt"), sandbox.work().join("id.txt"));
    std::fs::rename(&local, &elsewhere).expect("moved");
    let sandbox = sandbox.env("ENVCRYPT_AGE_IDENTITIES", elsewhere.display().to_string());
    sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).succeeds();
    let error = sandbox.pipe(&sealed, ["unwrap", "-f", "-", "--kek=local"]).fails(1);
    assert!(error.contains("there is no local key"), "{error}");
    let sandbox = sandbox.env("ENVCRYPT_KEK", "local");
    let error = sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("there is no local key"), "{error}");
    std::fs::write(&local, "hunter2").expect("written");
    let error = sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("local.txt") && !error.contains("hunter2"), "{error}");
}

#[test]
fn trust_is_listed_with_its_place_and_taken_back_for_one() {
    let sandbox = Sandbox::new();
    sandbox.run(["kek", "trust", "-nprod-*", AWS]).succeeds();
    sandbox.run(["kek", "trust", "-A", "--seal", "hashivault://dev"]).succeeds();
    let list = sandbox.run(["kek", "list"]).succeeds().stdout;
    let words = |line: &str| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    assert_eq!(
        list.lines().map(words).collect::<Vec<_>>(),
        [format!("{AWS} open prod-*"), "hashivault://transit/dev open,seal *".into()]
    );
    sandbox.run(["kek", "trust", "--remove", "-ndev", AWS]).succeeds();
    assert!(sandbox.run(["kek", "list"]).stdout.contains(AWS));
    sandbox.run(["kek", "trust", "--remove", AWS]).succeeds();
    assert!(!sandbox.run(["kek", "list"]).stdout.contains(AWS));
    let error = sandbox.run(["kek", "trust", "-n[", AWS]).fails(2);
    assert!(error.contains("it is not a valid pattern"), "{error}");
}

#[test]
fn a_kek_outside_of_the_rule_is_told_of_once() {
    let sandbox = Sandbox::with_local_key();
    let create = || {
        let _ = std::fs::remove_file(sandbox.work().join("db.yaml"));
        let args = ["create", "db", "-nprod", "--kek=local", "--generate=a", "-w", "db.yaml"];
        sandbox.run(args).succeeds()
    };
    assert!(!create().stderr.contains("does not name"), "there is no rule");
    sandbox.write(".envcrypt.yaml", format!("rules: [{{keks: ['{AWS}']}}]"));
    let stderr = create().stderr;
    assert_eq!(stderr.matches("opens with it only if you name it").count(), 1, "{stderr}");
    sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
    sandbox.run(["unwrap", "-f", "db.yaml", "--kek=local"]).succeeds();
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local]}]");
    assert!(!create().stderr.contains("does not name"));
}

/// A slip that would leave a repository without its rules.
#[test]
fn rules_under_a_name_that_is_not_theirs_are_an_error() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    sandbox.write(".envcrypt.yml", "rules: [{keks: [local]}]");
    let wrong = "the file with the rules must be named `.envcrypt.yaml`";
    assert!(sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1).contains(wrong));
    let check = sandbox.run(["check", "."]);
    assert!(check.code == Some(1) && check.stdout.contains(wrong), "{}", check.stdout);
}
