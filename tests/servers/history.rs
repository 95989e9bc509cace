//! What a file that is older than the cluster may do, and the cluster in `audit`.

use crate::api_proxy::{Action, ApiProxy};
use crate::control_plane::{ControlPlane, control_plane, plane_with_crd};
use crate::kms::{REGION, kms, with_kms};
use crate::programs::find;
use crate::readme;
use crate::sandbox::{Run, Sandbox, own};

/// Seals a value as `NAME` into `NAME.yaml`.
fn seal(sandbox: &Sandbox, namespace: &str, kind: &str, name: &str, more: &[&str]) {
    let (kind, file) = (format!("--kind={kind}"), format!("{name}.yaml"));
    let fixed = ["create", name, "-n", namespace, &kind, "-w", &file];
    sandbox.run(fixed.iter().chain(more)).succeeds();
}

fn value(sandbox: &Sandbox, target: &[&str]) -> String {
    sandbox.run(["unwrap"].iter().chain(target)).succeeds().stdout
}

/// Whether the file or the Secret of the cluster was sealed later than the other one.
fn sealed_at(sandbox: &Sandbox, target: &[&str]) -> String {
    let run = sandbox.run(["inspect", "-o", "json"].iter().chain(target)).succeeds();
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    json["seal"]["sealedAt"].as_str().expect("a time").to_owned()
}

#[test]
fn an_older_file_is_refused_in_both_forms_and_rotate_makes_it_new() {
    let plane = plane_with_crd();
    for (kind, live, form) in
        [("secret", "db", "sealed Secret"), ("envcryptsecret", "evs/db", "EnvcryptSecret")]
    {
        let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
        seal(&sandbox, &namespace, kind, "db", &["--kek=local", "--from-literal=a=old"]);
        let old = sandbox.read("db.yaml");
        sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=new"]).succeeds();
        sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
        // Again the same is no change, and neither are other KEKs.
        sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
        let live = [live, "-n", &namespace];
        let new_time = sealed_at(&sandbox, &live);
        sandbox.write("db.yaml", &old);
        let old_time = sealed_at(&sandbox, &["-f", "db.yaml"]);
        for more in [&[][..], &["--force-conflicts"], &["--dry-run=server"]] {
            let error = sandbox.run(["apply", "-f", "db.yaml"].iter().chain(more)).fails(1);
            assert!(
                error.contains(&format!(
                    "the file was sealed at {old_time}, the live {form} at {new_time}"
                )),
                "{error}"
            );
            assert!(error.contains("`kubectl envcrypt rotate -f FILE`"), "{error}");
            assert!(!error.contains("clocks"), "{error}");
        }
        assert_eq!(value(&sandbox, &[live[0], "a", "-n", &namespace]), "new");
        sandbox.run(["apply", "-f", "db.yaml", "--allow-older"]).succeeds();
        assert_eq!(value(&sandbox, &[live[0], "a", "-n", &namespace]), "old");
        // Brought back on purpose, the old values are in a new version.
        sandbox.run(["set", live[0], "-n", &namespace, "--from-literal=a=newer"]).succeeds();
        let now = sealed_at(&sandbox, &live);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while sealed_at(&sandbox, &["-f", "db.yaml"]) <= now {
            assert!(std::time::Instant::now() < deadline, "the clock stands still");
            sandbox.run(["rotate", "-f", "db.yaml"]).succeeds();
        }
        sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
        assert_eq!(value(&sandbox, &[live[0], "a", "-n", &namespace]), "old");
    }
}

#[test]
fn an_older_file_is_refused_as_the_other_form_and_as_a_plain_secret() {
    let plane = plane_with_crd();
    let older = "in the file is not newer than the live one";
    // Two versions of `db`, the newer one in the file; the older one, in both forms.
    let two_versions = |kind: &str| {
        let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
        seal(&sandbox, &namespace, kind, "db", &["--kek=local", "--from-literal=a=old"]);
        for to in ["secret", "envcryptsecret"] {
            let old = sandbox.run(["convert", "-f", "db.yaml", "--to", to]).succeeds().stdout;
            sandbox.write(&format!("{to}.yaml"), old);
        }
        sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=new"]).succeeds();
        (namespace, sandbox)
    };
    for (kind, other) in [("secret", "envcryptsecret"), ("envcryptsecret", "secret")] {
        let (namespace, sandbox) = two_versions(kind);
        sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
        let file = format!("{other}.yaml");
        for more in [&[][..], &["--unwrap"], &["--dry-run=server"]] {
            let error = sandbox.run(["apply", "-f", &file].iter().chain(more)).fails(1);
            assert!(error.contains(older), "{kind} {more:?}: {error}");
        }
        if kind == "secret" {
            let seal = ["annotate", "secret", "db", "-n", &namespace, "envcrypt.dev/seal-"];
            plane.kubectl(seal).succeeds();
            let run = sandbox.run(["apply", "-f", &file, "--dry-run=server"]).succeeds();
            let warning = "cannot compare the file with the live sealed Secret";
            assert!(run.stderr.contains(warning), "{}", run.stderr);
            assert!(run.stderr.contains("its seal is missing"), "{}", run.stderr);
        }
        sandbox.run(["apply", "-f", &file, "--allow-older"]).succeeds();
        let live = if other == "secret" { "db" } else { "evs/db" };
        assert_eq!(value(&sandbox, &[live, "a", "-n", &namespace]), "old");
    }
    // What is plain in the cluster has no seal, but a note.
    let (namespace, sandbox) = two_versions("secret");
    let unwrap = |file: &str| sandbox.run(["apply", "--unwrap", "-f", file]);
    unwrap("db.yaml").succeeds();
    unwrap("db.yaml").succeeds();
    for file in ["secret.yaml", "envcryptsecret.yaml"] {
        let error = unwrap(file).fails(1);
        assert!(error.contains(older), "{error}");
    }
    let error = sandbox.run(["apply", "-f", "envcryptsecret.yaml"]).fails(1);
    assert!(error.contains(older), "{error}");
    let live = || {
        let path = "-ojsonpath={.data.a}";
        plane.kubectl(["get", "secret", "db", "-n", &namespace, path]).succeeds().stdout
    };
    assert_eq!(live(), "bmV3");
    assert!(error.contains(", the live plain Secret at 20"), "{error}");
    let note = |text: &str| {
        let note = format!("envcrypt.dev/sealed-at={text}");
        plane
            .kubectl(["annotate", "--overwrite", "secret", "db", "-n", &namespace, &note])
            .succeeds();
    };
    // A note that cannot be compared is said.
    note("garbage");
    let run = sandbox
        .run(["apply", "--unwrap", "-f", "db.yaml", "--dry-run=server", "--force-conflicts"])
        .succeeds();
    let warning = "cannot compare the file with the live plain Secret";
    assert!(
        run.stderr.contains(warning) && run.stderr.contains("`apply --unwrap`"),
        "{}",
        run.stderr
    );
    note("2999-01-01T00:00:00Z");
    let run = sandbox
        .run(["apply", "--unwrap", "-f", "db.yaml", "--dry-run=server", "--force-conflicts"])
        .succeeds();
    assert!(run.stderr.contains("older; apply it again with `apply --unwrap`"), "{}", run.stderr);
    sandbox.run(["apply", "--unwrap", "-f", "db.yaml", "--force-conflicts"]).succeeds();
    // The note is no part of the Secret.
    assert_eq!(sandbox.run(["diff", "-f", "db.yaml"]).succeeds().stdout, "");
    let sealed = sandbox.run(["seal", "db", "-n", &namespace, "--kek=local"]).succeeds().stdout;
    assert!(!sealed.contains("sealed-at"), "{sealed}");
    sandbox.run(["apply", "--unwrap", "-f", "secret.yaml", "--allow-older"]).succeeds();
    assert_eq!(live(), "b2xk");
}

/// Between the comparison and the write, someone else applies a version that is newer still.
#[test]
fn a_version_that_appears_meanwhile_is_compared_too() {
    let plane = plane_with_crd();
    for kind in ["secret", "envcryptsecret"] {
        let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
        seal(&sandbox, &namespace, kind, "db", &["--kek=local", "--from-literal=a=one"]);
        sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
        sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=two"]).succeeds();
        let two = sandbox.read("db.yaml");
        sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=three"]).succeeds();
        sandbox.write("two.yaml", two);
        let proxy = ApiProxy::start(plane, "admin");
        let mut others = sandbox.command();
        others.args(["apply", "-f", "db.yaml"]);
        let mut is_first = true;
        proxy.decide(move |request| {
            if request.method == "PATCH" && std::mem::take(&mut is_first) {
                assert!(others.status().expect("it ends").success());
            }
            Action::Pass
        });
        let mut apply = sandbox.command();
        apply.args(["apply", "-f", "two.yaml", "--kubeconfig"]).arg(proxy.kubeconfig());
        let error = Run::from(apply.output().expect("it ends")).fails(1);
        assert!(error.contains("is not newer than the live one"), "{kind}: {error}");
        let name = if kind == "secret" { "db" } else { "evs/db" };
        assert_eq!(value(&sandbox, &[name, "a", "-n", &namespace]), "three", "{kind}");
    }
}

#[test]
fn who_may_only_write_is_told_that_nothing_was_compared() {
    let plane = plane_with_crd();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    plane.apply(&format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: writer, namespace: {namespace}}}, \
         rules: [{{apiGroups: [envcrypt.dev], resources: [envcryptsecrets], verbs: [create, patch]}}]}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: writer, namespace: {namespace}}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}}, \
         subjects: [{{kind: User, name: developer, apiGroup: rbac.authorization.k8s.io}}]}}\n"
    ));
    seal(&sandbox, &namespace, "envcryptsecret", "db", &["--kek=local", "--from-literal=a=1"]);
    let run = sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    let warning = "cannot check that files are not older";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    // Once for all Secrets of a namespace.
    seal(&sandbox, &namespace, "envcryptsecret", "web", &["--kek=local", "--from-literal=a=1"]);
    let run = sandbox.run(["apply", "-f", "db.yaml,web.yaml"]).succeeds();
    assert_eq!(run.stderr.matches(warning).count(), 1, "{}", run.stderr);
}

#[test]
fn times_of_sealing_only_grow_in_the_cluster() {
    let plane = plane_with_crd();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let sandbox = sandbox.env("EDITOR", "sed -i s/edited-1/edited-2/");
    for (kind, live) in [("secret", "db"), ("envcryptsecret", "evs/web")] {
        let name = live.rsplit('/').next().expect("a name");
        seal(
            &sandbox,
            &namespace,
            kind,
            name,
            &["--kek=local", "--from-literal=a=1", "--from-literal=b=edited-1"],
        );
        sandbox.run(["apply", "-f", &format!("{name}.yaml")]).succeeds();
        let mut last = sealed_at(&sandbox, &[live, "-n", &namespace]);
        for change in [
            &["set", live, "-n", &namespace, "--from-literal=a=2"][..],
            &["edit", live, "-n", &namespace],
            &["unset", live, "a", "-n", &namespace],
            &["rotate", live, "-n", &namespace],
        ] {
            sandbox.run(change).succeeds();
            let new = sealed_at(&sandbox, &[live, "-n", &namespace]);
            assert!(new > last, "{change:?}: {last} {new}");
            last = new;
        }
    }
}

/// The states of the values, with where they are.
fn states(sandbox: &Sandbox, kek: &str, args: &[&str]) -> Vec<String> {
    let run = sandbox.run(["audit", "--kek", kek].iter().chain(args));
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.stderr);
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    run.stdout.lines().map(line).collect()
}

fn other() -> String {
    own(&Sandbox::with_local_key())
}

#[test]
fn the_values_of_the_cluster_are_found_in_both_forms_and_known_from_the_history() {
    let plane: &ControlPlane = plane_with_crd();
    let (one, two) = (plane.namespace(), plane.namespace());
    let (sandbox, leaked) = (plane.sandbox("admin"), other());
    let keks = ["--kek=local", &format!("--kek={leaked}"), "--from-literal=a=1"];
    seal(&sandbox, &one, "secret", "live", &keks);
    seal(&sandbox, &two, "envcryptsecret", "form", &keks);
    seal(&sandbox, &one, "secret", "rewrapped", &keks);
    let git = |args: &[&str]| {
        let mut git = std::process::Command::new("git");
        let user = ["-c", "user.name=Alice", "-c", "user.email=a@b.c"];
        let output = git.current_dir(sandbox.work()).args(user).args(args).output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "one"]);
    sandbox.run(["rewrap", "-f", "rewrapped.yaml", "--remove", &leaked]).succeeds();
    for name in ["live", "form", "rewrapped"] {
        sandbox.run(["apply", "-f", &format!("{name}.yaml")]).succeeds();
        std::fs::remove_file(sandbox.work().join(format!("{name}.yaml"))).expect("removed");
    }
    let live = format!("{one}/live a open secret/live in the namespace {one} of the cluster");
    let form =
        format!("{two}/form a open envcryptsecret/form in the namespace {two} of the cluster");
    assert_eq!(states(&sandbox, &leaked, &["-n", &one]), std::slice::from_ref(&live));
    let mut all = [live.clone(), form.clone()];
    all.sort();
    let found = states(&sandbox, &leaked, &["-A"]);
    assert_eq!(found, all);
    // The history knows that the data key is the same.
    let found = states(&sandbox, &leaked, &["-n", &one, "--history"]);
    let known = found.iter().find(|line| line.contains("/rewrapped a ")).expect("there");
    assert!(known.starts_with(&format!("{one}/rewrapped a known since ")), "{known}");
    assert!(known.ends_with(&format!("secret/rewrapped in the namespace {one} of the cluster")));
    // Opened in the cluster, a value that was only sealed again is told.
    sandbox.run(["rotate", "live", "-n", &one, "--kek=local"]).succeeds();
    let found = states(&sandbox, &leaked, &["-n", &one, "--history", "--open"]);
    assert!(
        found.iter().any(|line| line.starts_with(&format!("{one}/live a same-value"))),
        "{found:?}"
    );
    // Whoever may not list them gets no all-clear.
    let developer = plane.sandbox("developer");
    let error = developer.run(["audit", "--kek", &leaked, "-n", "kube-system"]).fails(2);
    assert!(error.contains("error: "), "{error}");
}

/// Lines of the page that find something.
const FINDINGS: [&str; 2] = [
    "kubectl envcrypt audit --kek awskms:///alias/history --history",
    "kubectl envcrypt check --history",
];

#[test]
fn every_command_line_of_the_page_works() {
    let plane = control_plane();
    let namespace = "history";
    plane.apply(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}"));
    kms().alias(namespace, &kms().key());
    let sandbox = with_kms(Sandbox::with_local_key(), kms().port)
        .env("AWS_REGION", REGION)
        .env("KUBECONFIG", plane.kubeconfig("admin").display().to_string())
        .env("GIT_AUTHOR_NAME", "Alice")
        .env("GIT_AUTHOR_EMAIL", "alice@example.com")
        .env("GIT_COMMITTER_NAME", "Alice")
        .env("GIT_COMMITTER_EMAIL", "alice@example.com");
    readme::install(&sandbox, &[]);
    let mut outputs = Vec::new();
    for line in readme::commands(include_str!("../../docs/history.md")) {
        let line = line.replace("-n prod", &format!("-n {namespace}"));
        let line = line.replace("alias/prod", &format!("alias/{namespace}"));
        // The first time that it is run, it finds something.
        let finds = FINDINGS.contains(&&*line);
        let as_run = if finds { format!("{line}; test $? -eq 1") } else { line.clone() };
        outputs.push((line, readme::run_line(&sandbox, &as_run, &[])));
    }
    let output = |start: &str| {
        let found = outputs.iter().find(|(line, _)| line.starts_with(start));
        found.map(|(_, output)| output.as_str()).expect(start)
    };
    let audit = output(FINDINGS[0]);
    assert!(audit.contains("history/db password  known       since "), "{audit}");
    let check = output(FINDINGS[1]);
    assert!(
        check.contains("the value of `password` of `history/db` stood in the clear since "),
        "{check}"
    );
    assert!(!outputs.iter().skip(2).any(|(_, output)| output.contains("hunter2")));
}

#[test]
fn what_sops_encrypted_is_found_too() {
    let sandbox = Sandbox::with_local_key();
    let (mine, leaked) = (own(&sandbox), other());
    let recipient = |kek: &str| kek.trim_start_matches("age:").to_owned();
    let run = |program: &std::path::Path, args: &[&str]| {
        let mut command = std::process::Command::new(program);
        let identity = sandbox.config().join("identities/local.txt");
        command.current_dir(sandbox.work()).args(args).env("SOPS_AGE_KEY_FILE", identity);
        let output = command.output().expect("it ends");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let sops = |args: &[&str]| run(&find("sops"), args);
    let git = |args: &[&str]| {
        let user = ["-c", "user.name=Alice", "-c", "user.email=a@b.c"];
        run("git".as_ref(), &[&user[..], args].concat());
    };
    let commit = || {
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "x"]);
    };
    git(&["init", "-q"]);
    let both = format!("{},{}", recipient(&mine), recipient(&leaked));
    for name in ["open", "known", "replaced"] {
        let file = format!("{name}.yaml");
        sandbox.write(&file, format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: prod\nstringData:\n  a: one\n  b: two\n"));
        sops(&["encrypt", "-i", "--age", &both, "--encrypted-regex", "^(data|stringData)$", &file]);
    }
    commit();
    sandbox.write(".sops.yaml", format!("creation_rules:\n- age: {}\n", recipient(&mine)));
    sops(&["updatekeys", "-y", "known.yaml"]);
    sops(&["set", "known.yaml", "[\"stringData\"][\"a\"]", "\"new\""]);
    sops(&["rotate", "-i", "--rm-age", &recipient(&leaked), "replaced.yaml"]);
    commit();
    let found = states(&sandbox, &leaked, &["--history"]);
    let found: Vec<_> =
        found.iter().map(|line| line.split(" since").next().unwrap_or(line)).collect();
    assert_eq!(
        found,
        [
            "prod/known a known",
            "prod/known b known",
            "prod/open a open",
            "prod/open b open",
            "prod/replaced a replaced",
            "prod/replaced b replaced",
        ]
    );
}
