//! `convert`, and every command on a file with an EnvcryptSecret.

use crate::sandbox::{Sandbox, own};

/// A sandbox with a sealed Secret in `db.yaml`.
fn sealed(more: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_local_key();
    let fixed = ["create", "db", "-nprod", "--kek=local", "-w", "db.yaml", "--labels=app=web"];
    let values = ["--from-literal=a=hunter2", "--from-literal=b=two"];
    sandbox.run(fixed.iter().chain(&values).chain(more)).succeeds();
    sandbox
}

/// The same as an EnvcryptSecret.
fn resource(more: &[&str]) -> Sandbox {
    let sandbox = sealed(more);
    sandbox.run(["convert", "-i", "-f", "db.yaml", "--to=envcryptsecret"]).succeeds();
    sandbox
}

/// The lines without sealed values.
fn others(text: &str) -> Vec<&str> {
    let is_sealed = |line: &&str| line.contains("eyJ");
    text.lines().filter(|line| !is_sealed(line)).collect()
}

#[test]
fn a_secret_becomes_a_resource_and_the_same_secret_again_without_a_kek() {
    let sandbox = sealed(&[]);
    let old = sandbox.read("db.yaml");
    std::fs::remove_dir_all(sandbox.config()).expect("removed");
    let printed = sandbox.run(["convert", "-f", "db.yaml", "--to=envcryptsecret"]).succeeds();
    assert_eq!(printed.stderr, "envcryptsecret/db converted\n");
    assert_eq!(sandbox.read("db.yaml"), old, "only printed");
    assert_eq!(
        others(&printed.stdout),
        [
            "apiVersion: envcrypt.dev/v1alpha1",
            "kind: EnvcryptSecret",
            "metadata:",
            "  name: db",
            "  namespace: prod",
            "spec:",
            "  sealed:",
            "    values:",
            "  template:",
            "    labels:",
            "      app: web",
        ]
    );
    let to = |kind: &str| sandbox.run(["convert", "-i", "-f", "db.yaml", "--to", kind]).succeeds();
    assert_eq!(to("envcryptsecret").stdout, "envcryptsecret/db converted\n");
    assert_eq!(sandbox.read("db.yaml"), printed.stdout);
    assert_eq!(to("envcryptsecret").stdout, "envcryptsecret/db unchanged\n");
    assert_eq!(to("secret").stdout, "secret/db converted\n");
    let back = sandbox.read("db.yaml");
    let sorted = |text: &str| -> Vec<String> {
        let mut lines: Vec<_> = text.lines().map(|line| line.replace('\'', "")).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&back), sorted(&old));
}

#[test]
fn what_a_secret_cannot_hold_is_refused_and_dropped_only_by_force() {
    let sandbox = resource(&[]);
    let text = sandbox.read("db.yaml") + "  deletionPolicy: Retain # kept\n  suspend: true\n";
    sandbox.write("db.yaml", &text);
    let to_secret = ["convert", "-i", "-f", "db.yaml", "--to=secret"];
    let error = sandbox.run(to_secret).fails(1);
    assert!(
        error.contains("`db.yaml` cannot be used: the EnvcryptSecret `prod/db` has parts that a Secret cannot hold: `spec.deletionPolicy: Retain`, `spec.suspend: true`\nhint: remove them from the EnvcryptSecret, or add `--force` to drop them"),
        "{error}"
    );
    assert_eq!(sandbox.read("db.yaml"), text);
    sandbox.run(to_secret.iter().chain(&["--force"])).succeeds();
    sandbox.run(["unwrap", "-f", "db.yaml", "a"]).succeeds();
}

#[test]
fn nothing_is_written_unless_every_file_can_be_converted() {
    let sandbox = sealed(&[]);
    let old = sandbox.read("db.yaml");
    sandbox.write(
        "plain.yaml",
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: eA==}}",
    );
    sandbox.write("values.yaml", "a: 1");
    let all = ["convert", "-i", "-f", ".", "--to=envcryptsecret"];
    sandbox.write("broken.yaml", old.replace("eyJ", "eyx"));
    sandbox.run(all).fails(1);
    assert_eq!(sandbox.read("db.yaml"), old);
    sandbox.write("broken.yaml", "kind: Pod\napiVersion: v1\n");
    let run = sandbox.run(all).succeeds();
    assert_eq!(run.stdout, "envcryptsecret/db converted (./db.yaml)\n");
    assert!(
        run.stderr.contains("skipped plain Secrets and files that are not manifests: 2"),
        "{}",
        run.stderr
    );
    let error = sandbox.run(["convert", "-f", "db.yaml,plain.yaml", "--to=secret"]).fails(2);
    assert!(error.contains("prints only one file"), "{error}");
    let error = sandbox.run(["convert", "-i", "-f", "plain.yaml", "--to=secret"]).fails(1);
    assert!(error.contains("there is no sealed Secret in `plain.yaml`"), "{error}");
    let error = sandbox.run(["convert", "-i", "-f", "-", "--to=secret"]).fails(2);
    assert!(error.contains("standard input cannot be changed in place"), "{error}");
}

#[test]
fn annotations_of_the_template_are_pointed_out() {
    let sandbox = sealed(&["--annotations=note=x"]);
    let run = sandbox.run(["convert", "-i", "-f", "db.yaml", "--to=envcryptsecret"]).succeeds();
    assert!(
        run.stderr.contains("note: `prod/db` has annotations in `spec.template`"),
        "{}",
        run.stderr
    );
}

#[test]
fn every_command_reads_and_changes_a_resource_in_a_file() {
    let sandbox = resource(&["--type=example.com/x"]);
    let run = |args: &[&str]| sandbox.run(args).succeeds();
    let before = sandbox.read("db.yaml");
    assert_eq!(run(&["unwrap", "-f", "db.yaml", "a"]).stdout, "hunter2");
    let plain = run(&["unwrap", "-f", "db.yaml"]).stdout;
    assert!(plain.contains("kind: Secret\nmetadata:\n  name: db\n  namespace: prod\n  labels:\n    app: web\ntype: example.com/x\n"), "{plain}");
    assert!(run(&["inspect", "-f", "db.yaml"]).stdout.contains("example.com/x"));
    run(&["check", "db.yaml"]);
    let set = run(&["set", "-f", "db.yaml", "--from-literal=a=new"]).stdout;
    assert_eq!(set, "envcryptsecret/db changed\n");
    run(&["unset", "-f", "db.yaml", "b"]);
    assert_eq!(run(&["rotate", "-f", "db.yaml"]).stdout, "envcryptsecret/db rotated\n");
    let other = own(&Sandbox::with_local_key());
    let rewrapped = run(&["rewrap", "-f", "db.yaml", "--add", &other]).stdout;
    assert_eq!(rewrapped, "envcryptsecret/db rewrapped on this machine\n");
    assert!(run(&["inspect", "-f", "db.yaml"]).stdout.contains(&other));
    assert_eq!(run(&["unwrap", "-f", "db.yaml", "-o", "env"]).stdout, "a=new\n");
    assert_eq!(others(&sandbox.read("db.yaml")), others(&before));
    let sealed = sandbox.run(["seal", "-i", "-f", "db.yaml", "--kek=local"]).succeeds();
    assert!(sealed.stderr.contains("skipped sealed Secrets: 1"), "{}", sealed.stderr);
    // Labels for `-l` are those of the object itself.
    let error = sandbox.run(["inspect", "-f", "db.yaml", "-l", "app=web"]).fails(1);
    assert!(error.contains("there is no sealed Secret"), "{error}");
}

#[test]
fn a_plain_value_cannot_hide_in_a_resource() {
    let sandbox = resource(&[]);
    let line =
        |text: &str| text.lines().find(|l| l.contains(" a: '{")).expect("a value").to_owned();
    let text = sandbox.read("db.yaml");
    let plain = text.replace(&line(&text), "      a: hunter2");
    sandbox.write("db.yaml", &plain);
    let run = sandbox.run(["check", "."]);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stdout,
        "db.yaml:9:7: the sealed Secret `prod/db` has a plaintext value: `a` [plain-secret]\n"
    );
    for args in [
        &["unwrap", "-f", "db.yaml"][..],
        &["apply", "-f", "db.yaml"],
        &["convert", "-f", "db.yaml", "--to=secret"],
    ] {
        let error = sandbox.run(args).fails(1);
        assert!(
            error.contains("`a` of the Secret `prod/db` cannot be read: it is not a sealed value"),
            "{error}"
        );
    }
    sandbox.write("db.yaml", text.replace("spec:", "data: {c: eA==}\nspec:"));
    let run = sandbox.run(["check", "."]);
    assert!(run.stdout.contains("plaintext value: `c`"), "{}", run.stdout);
    let error = sandbox.run(["unwrap", "-f", "db.yaml"]).fails(1);
    assert!(
        error.contains(
            "the field `data` of the EnvcryptSecret is missing, unknown or of the wrong type"
        ),
        "{error}"
    );
    sandbox.write("db.yaml", text.replace("v1alpha1", "v2"));
    let run = sandbox.run(["check", "."]);
    assert_eq!(
        run.stdout,
        "db.yaml:1:1: this EnvcryptSecret cannot be read: check its `apiVersion` and its fields [wrong-form]\n"
    );
}

#[test]
fn create_and_seal_write_a_resource() {
    let sandbox = Sandbox::with_local_key();
    let create =
        ["create", "db", "-nprod", "--kek=local", "--from-literal=a=x", "--dry-run=client"];
    let kind = ["--kind=envcryptsecret"];
    let run = |more: &[&str]| sandbox.run(create.iter().chain(&kind).chain(more)).succeeds().stdout;
    assert_eq!(run(&[]), "envcryptsecret/db created (dry run)\n");
    assert_eq!(run(&["-o", "name"]), "envcryptsecret/db\n");
    assert!(
        run(&["-o", "yaml"])
            .starts_with("apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\n")
    );
    assert!(run(&["-o", "json"]).contains("\"kind\": \"EnvcryptSecret\""));
    let plain = "# all\napiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod} # it\nstringData:\n  a: x # one\n";
    sandbox.write("db.yaml", plain);
    let seal = ["seal", "-i", "-f", "db.yaml", "--kek=local", "--kind=envcryptsecret"];
    sandbox.run(seal).succeeds();
    let text = sandbox.read("db.yaml");
    assert_eq!(
        others(&text),
        [
            "# all",
            "apiVersion: envcrypt.dev/v1alpha1",
            "kind: EnvcryptSecret",
            "metadata: {name: db, namespace: prod} # it",
            "spec:",
            "  sealed:",
            "    values:",
        ]
    );
    assert!(text.contains("' # one\n"), "{text}");
    assert_eq!(sandbox.run(["unwrap", "-f", "db.yaml", "a"]).succeeds().stdout, "x");
}
