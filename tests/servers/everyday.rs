//! What people do with Secrets for years, in the cluster: seal, set, edit, get, diff.

use std::process::Command;

use crate::control_plane::{ControlPlane, control_plane};
use crate::etcd::contains;
use crate::kms::{REGION, kms, with_kms};
use crate::sandbox::{Run, Sandbox};

fn literal(plane: &ControlPlane, namespace: &str, name: &str, pairs: &[&str]) {
    let pairs: Vec<_> = pairs.iter().map(|pair| format!("--from-literal={pair}")).collect();
    let fixed = ["create", "secret", "generic", name, "-n", namespace];
    plane.kubectl(fixed.into_iter().chain(pairs.iter().map(String::as_str))).succeeds();
}

fn create(sandbox: &Sandbox, namespace: &str, name: &str, pairs: &[&str]) {
    let pairs: Vec<_> = pairs.iter().map(|pair| format!("--from-literal={pair}")).collect();
    let fixed = ["create", name, "-n", namespace, "--kek=local"];
    sandbox.run(fixed.into_iter().chain(pairs.iter().map(String::as_str))).succeeds();
}

fn live(plane: &ControlPlane, namespace: &str, name: &str) -> serde_json::Value {
    let run = plane.kubectl(["get", "secret", name, "-n", namespace, "-ojson"]).succeeds();
    serde_json::from_str(&run.stdout).expect("JSON")
}

fn env(sandbox: &Sandbox, namespace: &str, name: &str) -> String {
    sandbox.run(["unwrap", name, "-n", namespace, "-oenv"]).succeeds().stdout
}

#[test]
fn a_plain_secret_of_the_cluster_becomes_a_sealed_one_when_asked() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    plane.apply(&format!("{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: {namespace}, labels: {{app: web}}}}, type: kubernetes.io/basic-auth, stringData: {{password: hunter2}}}}"));
    plane.kubectl(["annotate", "secret", "db", "-n", &namespace, "kubectl.kubernetes.io/last-applied-configuration={\"stringData\":{\"password\":\"hunter2\"}}"]).succeeds();
    let before = live(plane, &namespace, "db");
    let seal = ["seal", "db", "-n", &namespace, "--kek=local"];
    let printed = sandbox.run(seal).succeeds().stdout;
    assert!(printed.contains("type: envcrypt.dev/sealed") && printed.contains("app: web"));
    assert_eq!(live(plane, &namespace, "db"), before, "without --replace nothing changes");
    let run = sandbox.run(seal.iter().chain(&["--replace", "--yes"])).succeeds();
    assert_eq!(run.stdout, "secret/db sealed\n");
    assert!(run.stderr.contains("now get sealed values"), "{}", run.stderr);
    let after = live(plane, &namespace, "db");
    assert_eq!(after["type"], "envcrypt.dev/sealed");
    assert_eq!(after["metadata"]["labels"]["app"], "web");
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert!(!contains(&plane.in_etcd(&namespace, "db"), b"hunter2"));
    assert_eq!(env(&sandbox, &namespace, "db"), "password=hunter2\n");
    let error = sandbox.run(seal.iter().chain(&["--replace", "--yes"])).fails(1);
    assert!(error.contains("is already sealed"), "{error}");
}

#[test]
fn many_are_sealed_at_once_and_those_of_controllers_are_let_be() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    for index in 0..20 {
        literal(plane, &namespace, &format!("plain-{index}"), &["a=hunter2"]);
    }
    plane.apply(&format!("{{apiVersion: v1, kind: Secret, metadata: {{name: release, namespace: {namespace}}}, type: helm.sh/release.v1, stringData: {{release: x}}}}"));
    plane.apply(&format!("{{apiVersion: v1, kind: Secret, metadata: {{name: owned, namespace: {namespace}, ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: c, uid: u}}]}}, stringData: {{a: x}}}}"));
    let all = ["seal", "-l", "!none", "-n", &namespace, "--kek=local", "--replace"];
    let error = sandbox.run(all).fails(2);
    assert!(error.contains("prompts first, and there is no terminal: add `--yes`"), "{error}");
    let run = sandbox.run(all.iter().chain(&["--yes"])).succeeds();
    assert_eq!(run.stdout.matches(" sealed\n").count(), 20);
    assert_eq!(run.stdout.matches(" unchanged\n").count(), 2);
    for (name, sealed) in [("plain-7", true), ("release", false), ("owned", false)] {
        assert_eq!(
            live(plane, &namespace, name)["type"] == "envcrypt.dev/sealed",
            sealed,
            "{name}"
        );
    }
    let error = sandbox
        .run(["seal", "owned", "-n", &namespace, "--kek=local", "--replace", "--yes"])
        .fails(1);
    assert!(
        error.contains("belongs to ConfigMap c, so a sealed Secret cannot replace it"),
        "{error}"
    );
    let listed = sandbox.run(["seal", "-l", "!none", "-n", &namespace, "--kek=local"]).fails(1);
    assert!(listed.contains("there is no plain Secret in the namespace"), "{listed}");
}

/// Who may delete and not create would be left with nothing.
#[test]
fn nothing_is_deleted_that_could_not_be_made_anew() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    literal(plane, &namespace, "db", &["a=x"]);
    plane.apply(&format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: writer, namespace: {namespace}}}, rules: [{{apiGroups: [''], resources: [secrets], verbs: [get, delete]}}]}}"
    ));
    let error =
        sandbox.run(["seal", "db", "-n", &namespace, "--kek=local", "--replace", "--yes"]).fails(1);
    assert!(error.contains("you may not create Secrets"), "{error}");
    assert_eq!(live(plane, &namespace, "db")["data"]["a"], "eA==");
}

#[test]
fn values_of_a_live_secret_are_set_unset_and_edited() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    create(&sandbox, &namespace, "db", &["a=one", "b=two", "c=three"]);
    let before = live(plane, &namespace, "db");
    let run = sandbox.pipe("new", ["set", "db", "-n", &namespace, "--from-stdin", "a"]).succeeds();
    assert_eq!(run.stdout, "secret/db changed\n");
    let run = sandbox.pipe("new", ["set", "db", "-n", &namespace, "--from-stdin", "a"]).succeeds();
    assert_eq!(run.stderr.matches("keeps its value").count(), 1, "{}", run.stderr);
    sandbox.run(["unset", "db", "c", "-n", &namespace]).succeeds();
    let after = live(plane, &namespace, "db");
    assert_eq!(after["data"]["b"], before["data"]["b"], "what is not named keeps its bytes");
    assert_ne!(after["data"]["a"], before["data"]["a"]);
    assert_eq!(env(&sandbox, &namespace, "db"), "a=new\nb=two\n");
    let sandbox = sandbox.env("EDITOR", "sed -i 's/^b: two/b: 2/;s/^a:.*/d: four/'");
    sandbox.run(["edit", "db", "-n", &namespace]).succeeds();
    assert_eq!(env(&sandbox, &namespace, "db"), "b=2\nd=four\n");
    let error = sandbox.run(["set", "gone", "-n", &namespace, "--generate", "a"]).fails(1);
    assert!(error.contains("does not exist"), "{error}");
}

/// What the cluster would refuse costs nobody their work.
#[test]
fn who_may_not_change_it_is_not_asked_for_values() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    create(&sandbox, &namespace, "db", &["a=one"]);
    let role = |verbs: &str| {
        plane.apply(&format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: writer, namespace: {namespace}}}, rules: [{{apiGroups: [''], resources: [secrets], verbs: [{verbs}]}}]}}"
        ));
    };
    let sandbox = sandbox.env("EDITOR", "touch edited; true");
    let refused = |with: &str| {
        for args in [&["edit", "db"][..], &["set", "db", "--generate", "b"]] {
            let error = sandbox.run(args.iter().chain(&["-n", &namespace])).fails(1);
            assert!(error.contains(with), "{error}");
        }
        assert!(!sandbox.work().join("edited").exists());
    };
    role("get");
    refused("you may not patch Secrets");
    role("get, patch");
    plane
        .kubectl(["patch", "secret", "db", "-n", &namespace, "-p", "{\"immutable\":true}"])
        .succeeds();
    refused("is immutable");
}

/// What someone else does to other keys meanwhile stays; to the same ones, it is not
/// overwritten.
#[test]
fn an_edit_does_not_undo_what_others_did_meanwhile() {
    let plane = control_plane();
    for (theirs, expected) in [("b", Ok("a=mine\nb=theirs\n")), ("a", Err("`a` in"))] {
        let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
        create(&sandbox, &namespace, "db", &["a=one", "b=two"]);
        let program = crate::sandbox::PROGRAM;
        let script = sandbox.write(
            "editor",
            format!("#!/bin/sh\nprintf theirs | {program} set db -n {namespace} --from-stdin {theirs} >&2\nsed -i 's/^a: one/a: mine/' $1\n"),
        );
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("set");
        let sandbox = sandbox.env("EDITOR", script.display().to_string());
        let run = sandbox.run(["edit", "db", "-n", &namespace]);
        match expected {
            Ok(values) => {
                assert_eq!(run.code, Some(0), "{}", run.stderr);
                assert_eq!(env(&sandbox, &namespace, "db"), values);
            }
            Err(told) => {
                let error = run.fails(1);
                assert!(
                    error.contains(told) && error.contains("someone else changed the value"),
                    "{error}"
                );
                assert_eq!(env(&sandbox, &namespace, "db"), "a=theirs\nb=two\n");
            }
        }
    }
}

#[test]
fn get_lists_the_sealed_ones_and_no_other() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    create(&sandbox, &namespace, "db", &["a=one", "b=two"]);
    literal(plane, &namespace, "plain", &["a=x"]);
    let get = |args: &[&str]| sandbox.run(["get", "-n", &namespace].iter().chain(args));
    let run = get(&[]).succeeds();
    let lines: Vec<Vec<&str>> =
        run.stdout.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAMESPACE", "NAME", "TYPE", "KEYS", "KEKS", "SCOPE", "AGE"]);
    assert_eq!(lines[1][..4], [namespace.as_str(), "db", "Opaque", "2"]);
    assert!(lines[1][4].starts_with("age:age1") && lines[1][5] == "strict", "{lines:?}");
    assert_eq!(lines.len(), 2);
    assert!(get(&["-owide", "--no-headers"]).succeeds().stdout.contains("   a,b   age:age1"));
    assert_eq!(get(&["-oname"]).succeeds().stdout, "secret/db\n");
    let json: serde_json::Value =
        serde_json::from_str(&get(&["db", "-ojson"]).succeeds().stdout).expect("JSON");
    assert_eq!(json["data"], live(plane, &namespace, "db")["data"]);
    assert!(json["metadata"]["managedFields"].is_null());
    assert!(sandbox.run(["get", "-A", "-oname"]).succeeds().stdout.contains("secret/db\n"));
    let none = get(&["-l", "no=such"]).succeeds();
    assert!(none.stdout.is_empty() && none.stderr.contains("there is no sealed Secret"));
    let error = get(&["plain"]).fails(1);
    assert!(error.contains("is not sealed"), "{error}");
}

#[test]
fn diff_tells_what_differs_and_never_a_value() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let diff = |args: &[&str]| -> Run { sandbox.run(["diff", "-f", "db.yaml"].iter().chain(args)) };
    let args = [
        "create",
        "db",
        "-n",
        &namespace,
        "--kek=local",
        "--from-literal=a=hunter2",
        "--from-literal=b=hunter3",
        "-w",
        "db.yaml",
    ];
    sandbox.run(args).succeeds();
    let run = diff(&[]);
    assert_eq!(
        (run.stdout, run.code),
        (format!("{namespace}/db\n  is not in the cluster\n"), Some(1))
    );
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    assert_eq!(diff(&[]).succeeds().stdout, "");
    // Other bytes around the same value, another value, a key more and one less.
    sandbox.run(["rotate", "-f", "db.yaml"]).succeeds();
    let run = diff(&[]);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stdout,
        format!(
            "{namespace}/db\n  ~ a  sealed again, the same value\n  ~ b  sealed again, the same value\n"
        )
    );
    sandbox.pipe("longer", ["set", "-f", "db.yaml", "--from-stdin", "a"]).succeeds();
    sandbox.run(["set", "-f", "db.yaml", "--generate", "c"]).succeeds();
    sandbox.run(["unset", "-f", "db.yaml", "b"]).succeeds();
    let run = diff(&["--show-lengths"]);
    assert_eq!(
        run.stdout,
        format!(
            "{namespace}/db\n  ~ a  changed, 6 bytes in the file, 7 bytes in the cluster\n  - b  only in the cluster, 7 bytes in the cluster\n  + c  only in the file, 32 bytes in the file\n"
        )
    );
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let run = diff(&["--no-open"]);
    assert!(run.stdout.contains("~ a  sealed again\n") && run.code == Some(1));
    // Who cannot open it cannot tell.
    let stranger =
        Sandbox::new().env("KUBECONFIG", plane.kubeconfig("admin").display().to_string());
    stranger.write("db.yaml", sandbox.read("db.yaml"));
    let run = stranger.run(["diff", "-f", "db.yaml"]);
    assert_eq!((run.stdout.as_str(), run.code), ("", Some(2)), "{}", run.stderr);
    stranger.run(["diff", "-f", "db.yaml", "--no-open"]).fails_quietly(1);
    stranger.run(["diff", "-f", "none.yaml"]).fails(2);
}

#[test]
fn diff_compares_what_was_unwrapped_into_the_cluster() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let args =
        ["create", "db", "-n", &namespace, "--kek=local", "--from-literal=a=one", "-w", "db.yaml"];
    sandbox.run(args).succeeds();
    sandbox.run(["apply", "--unwrap", "-f", "db.yaml"]).succeeds();
    assert_eq!(sandbox.run(["diff", "-f", "db.yaml"]).succeeds().stdout, "");
    plane
        .kubectl([
            "patch",
            "secret",
            "db",
            "-n",
            &namespace,
            "-p",
            "{\"stringData\":{\"a\":\"hunter2\"}}",
        ])
        .succeeds();
    let run = sandbox.run(["diff", "-f", "db.yaml"]);
    assert_eq!((run.stdout, run.code), (format!("{namespace}/db\n  ~ a  changed\n"), Some(1)));
}

#[test]
fn a_program_gets_the_values_of_live_secrets() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    create(&sandbox, &namespace, "one", &["token=1"]);
    create(&sandbox, &namespace, "two", &["pin=2"]);
    let run = sandbox
        .run(["exec", "one", "two", "-n", &namespace, "--", "sh", "-c", "echo $token$pin"])
        .succeeds();
    assert_eq!(run.stdout, "12\n");
    // Through kubectl, which replaces itself too.
    let mut command = Command::new(crate::programs::find("kubectl"));
    let folder =
        std::path::Path::new(crate::sandbox::PROGRAM).parent().expect("a folder").to_owned();
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    command.args([
        "envcrypt",
        "exec",
        "one",
        "-n",
        &namespace,
        "--",
        "sh",
        "-c",
        "echo $token; exit 6",
    ]);
    let output = command.output().expect("it runs");
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"1\n"[..], Some(6)));
}

/// That this machine may ask a KEK does not make it the one for this Secret: someone
/// could have sealed all of it to another that is known here.
#[test]
fn a_new_value_goes_to_a_kek_that_more_than_the_secret_names() {
    let key = kms().key();
    let sandbox = with_kms(Sandbox::new(), kms().port).env("AWS_REGION", REGION);
    let kek = format!("awskms:///{key}");
    // Made elsewhere: here, it may open and no more.
    let elsewhere = with_kms(Sandbox::new(), kms().port).env("AWS_REGION", REGION);
    sandbox.write("db.yaml", crate::sealed::sealed_under(&elsewhere, &[&kek]));
    sandbox.run(["kek", "trust", "-nprod", &kek]).succeeds();
    let sealed = sandbox.read("db.yaml");
    for args in [&["set", "--generate", "key0"][..], &["unset", "key0"], &["edit"]] {
        let error = sandbox.run(args.iter().chain(&["-f", "db.yaml"])).fails(1);
        assert!(
            error.contains(&format!("only the Secret `prod/db` itself names the KEK `{kek}`")),
            "{error}"
        );
        assert_eq!(sandbox.read("db.yaml"), sealed);
    }
    let set = ["set", "-f", "db.yaml", "--generate", "key0"];
    sandbox.run(set.iter().chain(&["--kek", &kek])).succeeds();
    sandbox.run(set).succeeds();
    sandbox.run(["kek", "trust", "--remove", &kek]).succeeds();
    sandbox.run(["kek", "trust", "--seal", "-nprod", &kek]).succeeds();
    sandbox.write(".envcrypt.yaml", format!("rules: [{{keks: ['{kek}']}}]"));
    sandbox.run(set).succeeds();
}

/// Between the comparison and the write, someone changes a value that was the same: the
/// wish still holds.
#[test]
fn setting_only_what_differs_holds_the_wish_when_others_change_it_meanwhile() {
    let plane = control_plane();
    let namespace = plane.namespace();
    let proxy = crate::fault_proxy::FaultProxy::start(kms().port);
    let kek = format!("--kek=awskms:///{}", kms().key());
    let ours = with_kms(plane.sandbox("admin"), proxy.port);
    let theirs = with_kms(plane.sandbox("admin"), kms().port);
    let create = ["create", "db", "-n", &namespace, &kek, "--from-literal=token=ours"];
    ours.run(create.iter().chain(&["--from-literal=pin=1"])).succeeds();
    proxy.take();
    proxy.delay(std::time::Duration::from_millis(1500));
    let mut command = ours.command();
    let set = ["set", "db", "-n", &namespace, "--idempotent"];
    let values = ["--from-literal=token=ours", "--from-literal=pin=2"];
    let child = command.args(set).args(values).spawn().expect("it starts");
    // While the new values are sealed, what is there has been compared.
    while !proxy.take().0.iter().any(|call| call == "encrypt") {
        std::thread::yield_now();
    }
    let args = ["set", "db", "-n", &namespace, &kek, "--from-literal=token=theirs"];
    theirs.run(args).succeeds();
    let run = Run::from(child.wait_with_output().expect("it ends")).succeeds();
    assert_eq!(run.stdout, "secret/db changed\n");
    proxy.delay(std::time::Duration::ZERO);
    let env = ours.run(["unwrap", "db", "-n", &namespace, "-oenv"]).succeeds().stdout;
    assert_eq!(env, "pin=2\ntoken=ours\n");
}

#[test]
fn a_secret_made_here_with_an_alias_is_changed_without_a_question() {
    let key = kms().key();
    kms().alias("made-here", &key);
    let sandbox = with_kms(Sandbox::new(), kms().port).env("AWS_REGION", REGION);
    let kek = "--kek=awskms:///alias/made-here";
    let create = ["create", "db", "-nprod", kek, "--generate=token", "-w", "db.yaml"];
    sandbox.run(create).succeeds();
    // CI has no terminal to ask on.
    sandbox.run(["set", "-f", "db.yaml", "--generate=token"]).succeeds();
    sandbox.run(["rotate", "-f", "db.yaml"]).succeeds();
    let list = sandbox.run(["kek", "list"]).succeeds().stdout;
    assert!(list.contains(&key) && list.contains("`alias/made-here`"), "{list}");
    // A rule with the alias is for the key behind it here, and check knows it.
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [awskms:///alias/made-here]}]");
    sandbox.run(["unwrap", "-f", "db.yaml"]).succeeds();
    sandbox.run(["check", "."]).succeeds();
    // On another machine, it is the key behind the alias there that counts.
    kms().alias("made-elsewhere", &kms().key());
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [awskms:///alias/made-elsewhere]}]");
    let error = sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("names none of the KEKs of the Secret"), "{error}");
}

#[test]
fn an_alias_is_not_looked_for_in_the_region_of_another_key() {
    let (key, proxy) = (kms().key(), crate::fault_proxy::FaultProxy::start(kms().port));
    let sandbox = with_kms(Sandbox::new(), proxy.port);
    let arn = format!("awskms:///{key}");
    kms().alias("regionless", &key);
    for keks in [[&*arn, "awskms:///alias/regionless"], ["awskms:///alias/regionless", &*arn]] {
        let run = crate::sealed::create(&sandbox, &keks, 1);
        let error = run.fails(1);
        assert!(error.contains("no AWS region is set"), "{keks:?}: {error}");
    }
}

#[test]
fn an_older_file_is_told_from_anothers_change() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let create = ["create", "db", "-n", &namespace, "--kek=local", "--from-literal=token=1"];
    sandbox.run(create.iter().chain(&["-w", "db.yaml"])).succeeds();
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    sandbox.run(["set", "db", "-n", &namespace, "--from-literal=token=2"]).succeeds();
    let value = || {
        let args = ["unwrap", "db", "token", "-n", &namespace];
        sandbox.run(args).succeeds().stdout
    };
    let sealed_at = |target: &[&str]| {
        let run = sandbox.run(["inspect", "-o", "json"].iter().chain(target)).succeeds();
        let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        json["seal"]["sealedAt"].as_str().expect("a time").to_owned()
    };
    let error = sandbox.run(["apply", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("is not newer than the live one"), "{error}");
    assert!(
        error.contains(
            "hint: someone changed it in the cluster with `set`, `edit`, `rotate` or `rewrap`"
        ),
        "{error}"
    );
    assert_eq!(value(), "2");
    // A file that was changed after that is newer, and nothing has to be forced. Files
    // tell seconds.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let live = sealed_at(&["db", "-n", &namespace]);
    while sealed_at(&["-f", "db.yaml"]) <= live {
        assert!(std::time::Instant::now() < deadline, "the clock stands still");
        sandbox.run(["set", "-f", "db.yaml", "--from-literal=token=3"]).succeeds();
    }
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    assert_eq!(value(), "3");
}

/// Another's KMS would learn who looks, and where a repository was cloned.
#[test]
fn no_alias_of_another_account_is_looked_up_because_a_repository_names_it() {
    let (key, proxy) = (kms().key(), crate::fault_proxy::FaultProxy::start(kms().port));
    let sandbox = with_kms(Sandbox::new(), proxy.port);
    let sealed = crate::sealed::create(&sandbox, &[&format!("awskms:///{key}")], 1);
    sandbox.write("db.yaml", sealed.succeeds().stdout);
    let alias = format!("awskms:///arn:aws:kms:{REGION}:999999999999:alias/theirs");
    let rules = format!("rules: [{{keks: ['{alias}']}}]");
    sandbox.write(".envcrypt.yaml", &rules);
    proxy.take();
    sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
    assert_eq!(proxy.take().0, [""; 0]);
    // Of a person's own rule it is.
    std::fs::write(sandbox.config().join("config.yaml"), rules).expect("written");
    sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
    assert!(!proxy.take().0.is_empty(), "the proxy sees who looks");
}

#[test]
fn sealed_secrets_are_listed_by_their_keks() {
    let plane = control_plane();
    let namespace = plane.namespace();
    kms().alias("listed", &kms().key());
    let sandbox = with_kms(plane.sandbox("admin"), kms().port).env("AWS_REGION", REGION);
    create(&sandbox, &namespace, "mine", &["token=1"]);
    let args = ["create", "theirs", "-n", &namespace, "--kek=awskms:///alias/listed"];
    sandbox.run(args.iter().chain(&["--generate=token"])).succeeds();
    let get = |args: &[&str]| {
        let fixed = ["get", "-n", &namespace, "--no-headers"];
        sandbox.run(fixed.iter().chain(args)).succeeds().stdout
    };
    let table = get(&[]);
    assert!(table.contains("awskms:listed"), "the alias is shown: {table}");
    assert!(get(&["-o", "wide"]).contains("awskms:///alias/listed"));
    let names = |kek: &str| get(&["-o", "name", "--kek", kek]);
    assert_eq!(names("local"), "secret/mine\n");
    assert_eq!(names("awskms:///alias/listed"), "secret/theirs\n");
    assert_eq!(names("hashivault://none"), "");
}
