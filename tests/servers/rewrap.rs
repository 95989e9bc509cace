//! `rewrap` and `rotate` where a KMS and a cluster take part.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clouds::{AZURE_KEK, AZURE_KEY, Clouds};
use crate::control_plane::control_plane;
use crate::fault_proxy::{Fault, FaultProxy};
use crate::kms::{REGION, kms, with_kms};
use crate::sandbox::{Run, Sandbox};
use crate::sealed::{self, jwes, sealed_under};
use crate::vault::{vault, with_vault};

fn kids(yaml: &str) -> Vec<String> {
    let jwe = sealed::value(yaml, "key0");
    let recipients = jwe["recipients"].as_array().expect("a list");
    recipients.iter().map(|r| r["header"]["kid"].as_str().expect("text").to_owned()).collect()
}

/// All but the recipients, byte for byte.
fn rest(yaml: &str) -> Vec<String> {
    let part = |mut jwe: serde_json::Value| {
        jwe["recipients"].take();
        jwe.to_string()
    };
    jwes(yaml).into_iter().map(part).collect()
}

fn rewrap(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["rewrap", "-f", "db.yaml"].iter().chain(args))
}

#[test]
fn aws_moves_a_data_key_from_one_key_to_another_on_its_own_side() {
    let proxy = FaultProxy::start(kms().port);
    let sandbox = with_kms(Sandbox::new(), proxy.port).env("AWS_REGION", REGION);
    let (old, new) = (kms().key(), kms().key());
    kms().alias("rewrapped-to", &new);
    let yaml = sealed_under(&sandbox, &[&format!("awskms:///{old}")]);
    sandbox.write("db.yaml", &yaml);
    proxy.take();
    let run = rewrap(&sandbox, &["--kek=awskms:///alias/rewrapped-to"]).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped in the KMS\n");
    assert!(run.stderr.contains("may have kept the data keys"), "{}", run.stderr);
    assert_eq!(proxy.take().0, ["describekey", "reencrypt"]);
    let after = sandbox.read("db.yaml");
    assert_eq!(kids(&after), [format!("awskms:///{new}")]);
    assert_eq!(rest(&after), rest(&yaml));
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
    // To the key that has it already there is nothing to do.
    proxy.take();
    let run = rewrap(&sandbox, &["--kek", &format!("awskms:///{new}")]).succeeds();
    assert_eq!((run.stdout.as_str(), proxy.take().0.len()), ("secret/db unchanged\n", 0));
    let run = rewrap(&sandbox, &["--renew"]).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped in the KMS\n");
    assert_eq!(proxy.take().0, ["reencrypt"]);
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
}

/// Nobody looks at what the KMS does on its own side: so it does not where a good
/// entry would be lost by it, or where it compares no place.
#[test]
fn the_kms_is_not_let_do_it_where_something_could_go_wrong_unseen() {
    let proxy = FaultProxy::start(kms().port);
    let sandbox = with_kms(Sandbox::with_local_key(), proxy.port);
    let [old, new] = [kms().key(), kms().key()].map(|key| format!("awskms:///{key}"));
    let args = [
        "create",
        "db",
        "-nprod",
        "--dry-run=client",
        "-oyaml",
        "--generate=key0",
        "--scope=cluster",
        "--kek",
        &old,
    ];
    let without_a_place = sandbox.run(args).succeeds().stdout;
    for yaml in [sealed_under(&sandbox, &[&old, "local"]), without_a_place] {
        sandbox.write("db.yaml", yaml);
        proxy.take();
        let run = rewrap(&sandbox, &["--kek", &new]).succeeds();
        assert_eq!(run.stdout, "secret/db rewrapped on this machine\n");
        assert!(!proxy.take().0.contains(&"reencrypt".to_owned()));
    }
    // Under the same key nobody new is given anything.
    let run = rewrap(&sandbox, &["--renew"]).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped in the KMS\n");
}

#[test]
fn where_the_kms_may_not_the_data_key_is_opened_here() {
    let proxy = FaultProxy::start(kms().port);
    let sandbox = with_kms(Sandbox::new(), proxy.port);
    let (old, new) = (kms().key(), kms().key());
    sandbox.write("db.yaml", sealed_under(&sandbox, &[&format!("awskms:///{old}")]));
    proxy.take();
    proxy.next([Fault::Error(400, "DisabledException")]);
    let run = rewrap(&sandbox, &["--kek", &format!("awskms:///{new}")]).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped on this machine\n");
    assert_eq!(proxy.take().0, ["reencrypt", "decrypt", "encrypt"]);
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
}

#[test]
fn vault_moves_a_data_key_to_the_newest_version_on_its_own_side() {
    let proxy = FaultProxy::start(vault().port);
    let sandbox = with_vault(Sandbox::new(), proxy.port);
    let key = vault().key();
    let kek = format!("--kek=hashivault://{key}");
    let words = ["create", "db", "-nprod", "--dry-run=client", "-oyaml", "--generate=key0", &kek];
    let in_context = sandbox.run(words).succeeds().stdout;
    let yaml = sandbox.run(words.iter().chain(&["--scope=cluster"])).succeeds().stdout;
    sandbox.write("db.yaml", &yaml);
    vault().bao(["write", "-f", &format!("transit/keys/{key}/rotate")]).succeeds();
    proxy.take();
    let run = rewrap(&sandbox, &["--renew"]).succeeds();
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        ("secret/db rewrapped in the KMS\n", "")
    );
    assert_eq!(proxy.take().0, ["rewrap"]);
    let after = sandbox.read("db.yaml");
    assert!(sealed::wrapped(&after, "key0").starts_with(b"vault:v2:"));
    assert_eq!(rest(&after), rest(&yaml));
    // Its rewrap takes no associated data: what has a context is opened here.
    let run = sandbox.pipe(&in_context, ["rewrap", "-f", "-", "--renew"]).succeeds();
    assert_eq!(run.stderr, "secret/db rewrapped on this machine\n");
    assert_eq!(proxy.take().0, ["decrypt", "encrypt"]);
    assert!(sealed::wrapped(&run.stdout, "key0").starts_with(b"vault:v2:"));
    let config = format!("transit/keys/{key}/config");
    vault().bao(["write", &config, "min_decryption_version=2"]).succeeds();
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
}

#[test]
fn from_one_cloud_to_another_and_to_the_newest_version() {
    let clouds = Clouds::start();
    let sandbox = with_vault(clouds.sandbox(Sandbox::new()), vault().port);
    let vault_ = format!("hashivault://{}", vault().key());
    sandbox.write("db.yaml", sealed_under(&sandbox, &[AZURE_KEK]));
    let first = kids(&sandbox.read("db.yaml"));
    clouds.order(serde_json::json!({ "azure": { AZURE_KEY: "rotate" } }));
    assert_eq!(rewrap(&sandbox, &["--kek", AZURE_KEK]).succeeds().stdout, "secret/db unchanged\n");
    rewrap(&sandbox, &["--renew"]).succeeds();
    let second = kids(&sandbox.read("db.yaml"));
    assert!(first != second && second[0].starts_with(AZURE_KEK), "{second:?}");
    clouds.take();
    let run = rewrap(&sandbox, &["--kek", &vault_]).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped on this machine\n");
    assert_eq!(clouds.take(), ["unwrapkey"]);
    let run = sandbox.run(["rotate", "-f", "db.yaml"]).succeeds();
    assert_eq!(run.stdout, "secret/db rotated\n");
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
}

#[test]
fn live_secrets_by_name_selector_and_everywhere() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let theirs = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let theirs = theirs.split(' ').next().expect("a URI").to_owned();
    for (name, label) in [("a", "x=1"), ("b", "x=1"), ("c", "x=2")] {
        let args =
            ["create", name, "-n", &namespace, "--kek=local", "--generate=key0", "--labels", label];
        sandbox.run(args).succeeds();
    }
    let get = |name: &str| {
        plane.kubectl(["get", "secret", name, "-n", &namespace, "-o", "yaml"]).succeeds().stdout
    };
    let before = ["a", "b", "c"].map(get);
    let unwrap =
        |name: &str| sandbox.run(["unwrap", name, "key0", "-n", &namespace]).succeeds().stdout;
    let values = ["a", "b", "c"].map(unwrap);

    let run = sandbox.run(["rewrap", "a", "-n", &namespace, "--add", &theirs]).succeeds();
    assert_eq!(run.stdout, "secret/a rewrapped on this machine\n");
    let run = sandbox.run(["rewrap", "-l", "x=1", "-n", &namespace, "--add", &theirs]).succeeds();
    assert!(run.stdout.contains("secret/a unchanged\n"), "{}", run.stdout);
    assert!(run.stdout.contains("secret/b rewrapped on this machine\n"), "{}", run.stdout);
    assert_eq!(run.stderr, "note: 1 rewrapped on this machine, 1 unchanged\n");
    let after = ["a", "b", "c"].map(get);
    assert_eq!(["a", "b", "c"].map(unwrap), values);
    assert_eq!((kids(&after[0]).len(), kids(&after[1]).len(), kids(&after[2]).len()), (2, 2, 1));
    assert_eq!(after[2], before[2]);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(rest(after), rest(before));
    }

    let args = ["rotate", "-l", "x", "-n", &namespace, "--kek=local", "--kek", &theirs];
    let run = sandbox.run(args).succeeds();
    assert_eq!(run.stdout.matches(" rotated\n").count(), 3);
    assert_eq!(["a", "b", "c"].map(unwrap), values);
    assert_ne!(rest(&get("a")), rest(&after[0]));
    let error = sandbox.run(["rotate", "gone", "-n", &namespace]).fails(1);
    assert!(error.contains("does not exist"), "{error}");
    // A plain one is none of its business.
    plane.kubectl(["create", "secret", "generic", "plain", "-n", &namespace]).succeeds();
    assert!(sandbox.run(["rotate", "plain", "-n", &namespace]).fails(1).contains("is not sealed"));
}

/// A file from before is not applied over it unseen.
#[test]
fn after_a_live_rotation_an_older_file_is_a_conflict() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let args =
        ["create", "db", "-n", &namespace, "--kek=local", "--generate=key0", "-w", "db.yaml"];
    sandbox.run(args).succeeds();
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    sandbox.run(["rotate", "db", "-n", &namespace]).succeeds();
    let error = sandbox.run(["apply", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("is not newer than the live one"), "{error}");
    // To take fields from others does not mean to go back.
    let forced = ["apply", "-f", "db.yaml", "--force-conflicts"];
    assert!(sandbox.run(forced).fails(1).contains("--allow-older"));
    sandbox.run([&forced[..], &["--allow-older"]].concat()).succeeds();
    sandbox.run(["unwrap", "db", "-n", &namespace]).succeeds();
}

/// Client-side apply's copy would keep the old sealing, under the old KEK.
#[test]
fn no_old_sealing_stays_behind_in_an_annotation() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let args =
        ["create", "db", "-n", &namespace, "--kek=local", "--generate=key0", "-w", "db.yaml"];
    sandbox.run(args).succeeds();
    let file = sandbox.work().join("db.yaml").display().to_string();
    plane.kubectl(["apply", "-f", &file]).succeeds();
    let old = sealed::wrapped(&sandbox.read("db.yaml"), "key0");
    sandbox.run(["rotate", "db", "-n", &namespace]).succeeds();
    let live = plane.kubectl(["get", "secret", "db", "-n", &namespace, "-o", "yaml"]).stdout;
    assert!(!live.contains("last-applied-configuration"), "{live}");
    assert_ne!(sealed::wrapped(&live, "key0"), old);
}

/// One that any tenant can put there does not keep the others from being done.
#[test]
fn a_broken_live_secret_is_told_and_the_others_are_done() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    sandbox.run(["create", "good", "-n", &namespace, "--kek=local", "--generate=key0"]).succeeds();
    plane.apply(&format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: bad, namespace: {namespace}}}, type: envcrypt.dev/sealed, data: {{a: aGk=}}}}"
    ));
    let run = sandbox.run(["rotate", "-l", "!gone", "-n", &namespace]);
    assert_eq!(run.stdout, "secret/good rotated\n");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("`a` of the Secret"), "{}", run.stderr);
    assert!(run.stderr.ends_with("error: 1 of 2 failed; the others are done\n"), "{}", run.stderr);
}

/// Someone with the key of other Secrets writes it into this one: that it is
/// known here, and may be asked, is not enough to be given the data keys.
#[test]
fn a_known_kek_has_to_show_that_it_holds_the_data_key() {
    let proxy = FaultProxy::start(kms().port);
    let sandbox = with_kms(Sandbox::with_local_key(), proxy.port);
    let known = format!("awskms:///{}", kms().key());
    sandbox.run(["kek", "test", &known]).succeeds();
    sandbox.run(["kek", "trust", "-nprod", &known]).succeeds();
    let bogus = sealed::with_one_more_kek(&sandbox.sealed(&["a=b"]), &known);
    for args in [&["rotate"][..], &["rewrap", "--renew"], &["rewrap", "--remove=local"]] {
        sandbox.write("db.yaml", &bogus);
        let error = sandbox.run(args.iter().copied().chain(["-f", "db.yaml"])).fails(1);
        assert!(
            error.contains(&format!(
                "names `{known}`, which did not prove that it has the data keys"
            )),
            "{error}"
        );
        assert_eq!(sandbox.read("db.yaml"), bogus);
    }
    // One that does hold it may stay, unasked.
    let both = ["local", known.as_str()];
    sandbox.write("db.yaml", sealed_under(&sandbox, &both));
    sandbox.run(["rotate", "-f", "db.yaml"]).succeeds();
    sandbox.run(["rewrap", "-f", "db.yaml", "--remove=local"]).succeeds();
    assert_eq!(kids(&sandbox.read("db.yaml")), [known]);
}

/// Between fetching and writing, someone else changes the Secret: their change
/// stays, and ours is made on top of it.
#[test]
fn a_live_secret_that_was_changed_meanwhile_is_tried_again() {
    let plane = control_plane();
    let namespace = plane.namespace();
    let proxy = FaultProxy::start(kms().port);
    let key = kms().key();
    let sandbox = with_kms(plane.sandbox("admin"), proxy.port);
    let kek = format!("--kek=awskms:///{key}");
    sandbox.run(["create", "db", "-n", &namespace, &kek, "--generate=key0"]).succeeds();
    proxy.take();
    proxy.delay(Duration::from_millis(1500));
    let mut command = sandbox.command();
    let child = command.args(["rotate", "db", "-n", &namespace]).spawn().expect("it starts");
    // While the KMS is asked, the Secret has been fetched.
    while proxy.under_way() == 0 {
        std::thread::yield_now();
    }
    plane.kubectl(["label", "secret", "db", "-n", &namespace, "meanwhile=yes"]).succeeds();
    let run = Run::from(child.wait_with_output().expect("it ends")).succeeds();
    assert_eq!(run.stdout, "secret/db rotated\n");
    let live = plane.kubectl(["get", "secret", "db", "-n", &namespace, "-o", "yaml"]).stdout;
    assert!(live.contains("meanwhile: \"yes\""), "{live}");
    // Its data key was opened once; the first new one was thrown away.
    let calls = proxy.take().0;
    assert_eq!(calls.iter().filter(|call| *call == "decrypt").count(), 1, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call == "encrypt").count(), 2, "{calls:?}");
    proxy.delay(Duration::ZERO);
    sandbox.run(["unwrap", "db", "-n", &namespace]).succeeds();
}

#[test]
fn an_interruption_loses_nothing_and_the_rest_can_follow() {
    let proxy = FaultProxy::start(kms().port);
    let sandbox = with_kms(Sandbox::new(), proxy.port);
    let (old, new) = (kms().key(), kms().key());
    let old = format!("awskms:///{old}");
    let new = format!("awskms:///{new}");
    let names: Vec<String> = (0..300).map(|i| format!("deploy/{i:03}.yaml")).collect();
    let yaml = sealed_under(&sandbox, &[&old]);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // All of them anew: with less to do, it may all be under way by then.
        for name in &names {
            sandbox.write(name, &yaml);
        }
        proxy.delay(Duration::from_millis(300));
        let mut command = sandbox.command();
        command.args(["rewrap", "-f", "deploy", "--kek", &new]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        // Interrupted once the first is done.
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut first).expect("a line");
        assert_eq!(first, "secret/db rewrapped in the KMS (deploy/000.yaml)\n");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        kill(pid, signal).expect("sent");
        let run = Run::from(child.wait_with_output().expect("it ends"));
        assert_eq!(run.code, Some(130), "{}", run.stderr);
        assert!(run.stderr.contains("error: interrupted: "), "{}", run.stderr);
        assert!(run.stderr.contains("run the same command again to continue"), "{}", run.stderr);
    }
    proxy.delay(Duration::ZERO);
    let left = std::fs::read_dir(sandbox.work().join("deploy")).expect("listed").count();
    assert_eq!(left, names.len(), "something was left behind in {}", sandbox.work().display());
    sandbox.run(["rewrap", "-f", "deploy", "--kek", &new]).succeeds();
    for name in &names {
        assert_eq!(kids(&sandbox.read(name)), [new.as_str()]);
    }
    sandbox.run(["unwrap", "-f", "deploy/033.yaml"]).succeeds();
}

#[test]
fn a_kms_that_hangs_does_not_keep_an_interruption_waiting() {
    let proxy = FaultProxy::start(kms().port);
    let sandbox = with_kms(Sandbox::new(), proxy.port);
    let kek = format!("awskms:///{}", kms().key());
    let yaml = sealed_under(&sandbox, &[&kek]);
    sandbox.write("db.yaml", &yaml);
    proxy.delay(Duration::from_secs(600));
    let child = sandbox.command().args(["rotate", "-f", "db.yaml"]).spawn().expect("it starts");
    while proxy.under_way() == 0 {
        std::thread::yield_now();
    }
    let started = std::time::Instant::now();
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("sent");
    let run = Run::from(child.wait_with_output().expect("it ends"));
    // Far below the 20 seconds that the KMS is waited for.
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!((run.code, run.stdout.as_str()), (Some(130), ""));
    assert!(run.stderr.contains("error: interrupted: 0 of 1 are done"), "{}", run.stderr);
    assert_eq!(sandbox.read("db.yaml"), yaml);
}
