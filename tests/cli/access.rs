//! Which KEKs may open, and which may be sealed to: what an attacker with write access
//! to the repository would try.

use crate::sandbox::Sandbox;
use crate::sealed::{change_recipients, sealed_under};

/// A KMS key that this machine cannot reach; nothing here asks it.
const AWS: &str =
    "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn own(sandbox: &Sandbox) -> String {
    let list = sandbox.run(["kek", "list"]).succeeds().stdout;
    list.split(' ').next().expect("a URI").to_owned()
}

#[test]
fn to_open_once_gives_no_right_to_be_sealed_to() {
    let (victim, attacker) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let theirs = own(&attacker);
    victim.run(["kek", "trust", "-nprod", &theirs]).succeeds();
    victim.write(".envcrypt.yaml", format!("rules: [{{keks: ['{theirs}']}}]"));
    let create = ["create", "pw", "--generate=a", "-nprod", "-w", "z.yaml"];
    let error = victim.run(create).fails(1);
    assert!(error.contains("does not seal to in `prod`"), "{error}");
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
        assert!(error.contains("is under none of the KEKs that the rule of"), "{error}");
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
    assert!(error.contains("names no KEK that this machine trusts in `prod`"), "{error}");
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
    // A rule that names both of them allows it, and so does the person.
    let args = ["unwrap", "-f", "-", "--kek=local", "--kek", &theirs];
    sandbox.pipe(&mixed, args).succeeds();
    sandbox.write(".envcrypt.yaml", format!("rules: [{{keks: [local, '{theirs}']}}]"));
    sandbox.pipe(&mixed, ["unwrap", "-f", "-"]).succeeds();
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local]}]");
    sandbox.pipe(&mixed, ["unwrap", "-f", "-"]).fails(1);
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
