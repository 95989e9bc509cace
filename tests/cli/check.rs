//! `check`: what is found in a repository, and what is let be.

use crate::sandbox::Sandbox;
use crate::sealed::with_kek;

const PLAIN: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  password: hunter2\n";

/// A repository with good files.
fn repository() -> Sandbox {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("deploy/db.yaml", sandbox.sealed(&["a=one"]));
    sandbox
        .write("deploy/web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n");
    sandbox.write("README.md", format!("# How to\n\nLike this:\n\n```yaml\n{PLAIN}```\n"));
    sandbox.write("crd.yaml", "apiVersion: example.com/v1\nkind: Thing\nspec:\n  ref: {apiVersion: v1, kind: Secret, name: db}\n");
    sandbox.write("empty.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: filled-later}\ntype: kubernetes.io/service-account-token\n");
    sandbox.write("chart/templates/secret.yaml", "{{- if .Values.on }}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  k: {{ .Values.k | b64enc }}\n{{- end }}\n");
    sandbox
}

fn found(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let run = sandbox.run(["check"].iter().chain(args));
    assert_eq!(run.code, Some(i32::from(!run.stdout.is_empty())), "{}", run.stderr);
    let short = |line: &str| {
        let (place, _) = line.split_once(": ").expect("a place");
        let (_, id) = line.rsplit_once(" [").expect("an id");
        format!("{place} {}", id.trim_end_matches(']'))
    };
    run.stdout.lines().map(short).collect()
}

#[test]
fn a_good_repository_is_good_and_what_is_wrong_is_found_with_its_line() {
    let sandbox = repository();
    assert_eq!(found(&sandbox, &[]), [""; 0]);
    let sealed = sandbox.sealed(&["a=one"]);
    sandbox.write("one.yaml", PLAIN);
    sandbox.write("list.json", r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"l"},"data":{"k":"eA=="}}]}"#);
    sandbox.write("chart/templates/bad.yaml", "kind: Secret\n{{ if x }}\napiVersion: v1\nstringData:\n  {{ y }}: {{ z }}\n  fixed: hunter2\n{{ end }}\n");
    sandbox.write("template.yaml.tpl", PLAIN);
    sandbox.write("many.yaml", format!("# {}\n---\n{sealed}---\n{PLAIN}", "x".repeat(9)));
    sandbox.write("moved.yaml", sealed.replace("name: db\n", "name: other\n"));
    sandbox.write("unsealed.yaml", sealed.replace("envcrypt.dev/seal:", "envcrypt.dev/soul:"));
    sandbox.write("cut.yaml", sealed.replace("  a: ey", "  a: "));
    sandbox.write("map.yaml", sealed.replace("kind: Secret", "kind: ConfigMap"));
    assert_eq!(
        found(&sandbox, &[]),
        [
            "chart/templates/bad.yaml:6:3 plain-secret",
            "cut.yaml:10:3 plain-secret",
            "list.json:1:110 plain-secret",
            "many.yaml:18:3 plain-secret",
            "map.yaml:7:24 out-of-place",
            "map.yaml:10:6 out-of-place",
            "moved.yaml:1:1 out-of-place",
            "one.yaml:5:3 plain-secret",
            "template.yaml.tpl:5:3 plain-secret",
            "unsealed.yaml:1:1 wrong-form",
        ]
    );
    let run = sandbox.run(["check"]);
    assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"));
    assert!(
        run.stderr.starts_with("error: found 10 problems, checked 15 files\n"),
        "{}",
        run.stderr
    );
    // What is named is looked at, whatever it is called; what is left out is not.
    sandbox.write("s.txt", PLAIN);
    assert_eq!(found(&sandbox, &["s.txt", "deploy"]), ["s.txt:5:3 plain-secret"]);
    let excluded = ["--exclude", "*.y*ml*", "--exclude=chart", "--exclude", "*.{json,txt}"];
    assert_eq!(found(&sandbox, &excluded), [""; 0]);
}

#[test]
fn what_git_ignores_is_let_be() {
    let sandbox = repository();
    std::fs::create_dir(sandbox.work().join(".git")).expect("made");
    sandbox.write(".git/plain.yaml", PLAIN);
    sandbox.write(".gitignore", "local/\n");
    sandbox.write("local/plain.yaml", PLAIN);
    sandbox.write(".github/plain.yaml", PLAIN);
    assert_eq!(found(&sandbox, &[]), [".github/plain.yaml:5:3 plain-secret"]);
    assert_eq!(found(&sandbox, &["--no-ignore"]).len(), 2);
    assert_eq!(
        found(&sandbox, &["local/plain.yaml"]).len(),
        1,
        "a file that is named is always checked"
    );
}

#[test]
fn keks_are_those_of_the_rules_or_known_here() {
    let sandbox = repository();
    let key =
        "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let aws = with_kek(&sandbox.sealed(&["a=one"]), "awskms", key);
    sandbox.write("deploy/aws.yaml", &aws);
    assert_eq!(found(&sandbox, &[]), ["deploy/aws.yaml:1:1 unknown-kek"]);
    let alias = |account| format!("awskms:///arn:aws:kms:eu-west-1:{account}:alias/prod");
    for known in [key, &alias("111122223333")] {
        assert_eq!(found(&sandbox, &["--kek", known]), [""; 0]);
    }
    for other in ["awskms:///alias/prod", &alias("666666666666")] {
        assert_eq!(found(&sandbox, &["--kek", other]).len(), 1, "{other}");
    }
    // Nothing is known at all: that is said, and not held against the files.
    let stranger = Sandbox::new();
    stranger.write("aws.yaml", &aws);
    let run = stranger.run(["check"]).succeeds();
    assert!(
        run.stderr.contains("the KEKs of sealed Secrets were not checked (1 in all)"),
        "{}",
        run.stderr
    );
    // The rules have the last word where there are any.
    sandbox.write(
        ".envcrypt.yaml",
        format!("rules:\n- namespace: prod\n  context: eu-*\n  keks: ['{key}']\n- path: deploy/**\n  keks: ['{}']\n- keks: [local]\n", alias("111122223333")),
    );
    assert_eq!(found(&sandbox, &[]), ["deploy/db.yaml:1:1 kek-not-allowed"]);
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local]}]");
    assert_eq!(found(&sandbox, &[]), ["deploy/aws.yaml:1:1 kek-not-allowed"]);
    // An alias alone could be of any account.
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local, awskms:///alias/prod]}]");
    assert_eq!(found(&sandbox, &[]), ["deploy/aws.yaml:1:1 kek-not-allowed"]);
    assert!(sandbox.run(["check"]).stdout.contains("write the ARN in the rule"));
    stranger.write(".envcrypt.yaml", "rules: [{keks: ['hashivault://x']}]");
    assert_eq!(found(&stranger, &[]), ["aws.yaml:1:1 kek-not-allowed"]);
}

#[test]
fn findings_come_as_json_and_sarif() {
    let sandbox = repository();
    sandbox.write("a b.yaml", PLAIN);
    let run = sandbox.run(["check", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(json["findings"][0]["path"], "a b.yaml");
    assert_eq!((run.code, &json["findings"][0]["line"]), (Some(1), &5.into()));
    let run = sandbox.run(["check", "-o", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&sarif["version"], &result["ruleId"]), (&"2.1.0".into(), &"plain-secret".into()));
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "a%20b.yaml");
    assert_eq!(location["region"], serde_json::json!({"startLine": 5, "startColumn": 3}));
    std::fs::remove_file(sandbox.work().join("a b.yaml")).expect("removed");
    let run = sandbox.run(["check", "-o", "sarif"]).succeeds();
    let sarif: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
    let error = sandbox.run(["check", "nowhere"]).fails(2);
    assert!(error.contains("`nowhere` cannot be read"), "{error}");
}

#[test]
fn the_pre_commit_hook_takes_the_files_that_can_hold_manifests() {
    let hooks: serde_yaml::Value =
        serde_yaml::from_str(include_str!("../../.pre-commit-hooks.yaml")).expect("YAML");
    let hook = &hooks[0];
    let entry = hook["entry"].as_str().expect("text");
    let sandbox = repository();
    let bad = sandbox.write("x.yml", PLAIN);
    let args = entry.strip_prefix("kubectl-envcrypt ").expect("our binary").split(' ');
    // pre-commit appends the staged files.
    let run = sandbox.run(args.chain(["deploy/db.yaml", bad.to_str().expect("text")]));
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains("x.yml:5:3: ") && !run.stdout.contains("db.yaml"),
        "{}",
        run.stdout
    );
}

fn git(sandbox: &Sandbox, args: &[&str]) {
    let mut command = std::process::Command::new("git");
    command.current_dir(sandbox.work()).env("HOME", sandbox.work());
    let output = command.args(args).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_git_tracks_is_looked_at_whatever_an_ignore_rule_says() {
    let sandbox = repository();
    sandbox.write("before.yaml", PLAIN);
    sandbox.write("sub/deep.yaml", PLAIN);
    sandbox.write("never.yaml", PLAIN);
    git(&sandbox, &["init", "-q"]);
    sandbox.write(".gitignore", "before.yaml\nnever.yaml\nsub/\n");
    git(&sandbox, &["add", "-f", "before.yaml", "sub/deep.yaml"]);
    let expected = ["before.yaml:5:3 plain-secret", "sub/deep.yaml:5:3 plain-secret"];
    assert_eq!(found(&sandbox, &[]), expected);
    assert_eq!(found(&sandbox, &["sub"]), expected[1..]);
    assert_eq!(found(&sandbox, &["--exclude", "sub"]), expected[..1]);
    // One that is gone is no matter.
    std::fs::remove_file(sandbox.work().join("before.yaml")).expect("removed");
    assert_eq!(found(&sandbox, &[]), expected[1..]);
}

#[test]
fn a_name_hides_nothing_that_kubectl_would_take() {
    let sandbox = repository();
    let names = [
        "Secret.YAML",
        "S.YML",
        "a.Json",
        "secret",
        "s.txt",
        "s.yaml~",
        "sub/.envcrypt.yaml",
        "s.jsonl",
        ".hidden",
    ];
    for name in names {
        let json =
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"l"},"data":{"k":"eA=="}}"#;
        sandbox.write(name, if name.contains("son") { json } else { PLAIN });
    }
    sandbox.write(
        "setup.sh",
        format!("#!/bin/sh\nkubectl apply -f - <<'EOF'\n{PLAIN}EOF\necho done\n"),
    );
    let all = found(&sandbox, &[]);
    for name in names.iter().chain(&["setup.sh:7:3"]) {
        assert!(all.iter().any(|line| line.starts_with(name)), "{name}: {all:?}");
    }
}

#[test]
fn one_bad_file_does_not_hide_what_stands_in_the_others() {
    let sandbox = repository();
    sandbox.write("plain.yaml", PLAIN);
    sandbox.write("deep.yaml", format!("kind: Secret\nx:\n{}x\n", "- ".repeat(40_000)));
    sandbox.write("flow.yaml", format!("kind: Secret\nx: {}", "[".repeat(200_000)));
    sandbox.write("json.json", format!("{}\"kind\": \"Secret\"", "{\"a\":".repeat(100_000)));
    sandbox.write("braces.yaml", format!("kind: Secret\n{}", "{{".repeat(500_000)));
    let bomb: String = (1..30).map(|i| format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1)).collect();
    sandbox.write("bomb.yaml", format!("kind: Secret\na0: &a0 x\n{bomb}"));
    let started = std::time::Instant::now();
    let lines = found(&sandbox, &[]);
    assert!(started.elapsed().as_secs() < 30, "it takes far too long");
    for name in [
        "plain.yaml:5:3 plain-secret",
        "deep.yaml",
        "flow.yaml",
        "json.json",
        "braces.yaml",
        "bomb.yaml",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(name)), "{name}: {lines:?}");
    }
    // What cannot be read at all is told, and is another exit code.
    std::os::unix::fs::symlink("nowhere", sandbox.work().join("link.yaml")).expect("linked");
    let huge = std::fs::File::create(sandbox.work().join("huge.yaml")).expect("made");
    huge.set_len(65 << 20).expect("set");
    let run = sandbox.run(["check"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stdout.contains("plain.yaml:5:3") && run.stderr.contains("larger than 64 MiB"));
    // A pipe is not waited for.
    std::fs::remove_file(sandbox.work().join("huge.yaml")).expect("removed");
    nix::unistd::mkfifo(&sandbox.work().join("p.yaml"), nix::sys::stat::Mode::S_IRWXU)
        .expect("made");
    assert_eq!(sandbox.run(["check"]).code, Some(1));
    // The other commands agree: none of these is opened, sealed or applied.
    for name in ["deep.yaml", "flow.yaml", "json.json", "bomb.yaml"] {
        sandbox.run(["unwrap", "-f", name]).fails(1);
        sandbox.run(["seal", "-f", name, "--kek=local"]).fails(1);
    }
}

#[test]
fn a_sealed_secret_hides_no_plain_value() {
    let sandbox = repository();
    let sealed = sandbox.sealed(&["a=one"]);
    sandbox.write("odd/field.yaml", format!("{sealed}more: fields\n"));
    sandbox.write(
        "odd/template.yaml",
        sealed.replace("name: db\n", "name: {{ .Release.Name }}\n") + "stringData: {p: hunter2}\n",
    );
    sandbox.write("odd/text.yaml", format!("{sealed}stringData: {{p: hunter2}}\n"));
    sandbox.write("odd/value.yaml", format!("{sealed}  p: aHVudGVyMg==\n"));
    let lines = found(&sandbox, &[]);
    assert!(lines.contains(&"odd/field.yaml:1:1 wrong-form".to_owned()), "{lines:?}");
    for name in ["template", "text", "value"] {
        let start = format!("odd/{name}.yaml:");
        let is_found = |line: &String| line.starts_with(&start) && line.ends_with("plain-secret");
        assert!(lines.iter().any(is_found), "{name}: {lines:?}");
    }
}

/// A directory that looks like a bare repository, with settings that run a program: Git
/// would obey them.
#[test]
fn nothing_of_a_repository_is_run() {
    let sandbox = repository();
    git(&sandbox, &["init", "-q"]);
    sandbox.write("deploy/tracked.yaml", PLAIN);
    git(&sandbox, &["add", "-A"]);
    sandbox.write(".gitignore", "deploy/tracked.yaml\n");
    let ran = sandbox.work().join("ran");
    let run = format!("touch {}", ran.display());
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = {run}\n\tpager = {run}\n[alias]\n\tls-files = !{run}\n[remote \"origin\"]\n\turl = .\n\tuploadpack = {run}\n\tpromisor = true\n"
    );
    sandbox.write("deploy/HEAD", "ref: refs/heads/main\n");
    sandbox.write("deploy/config", &config);
    for folder in ["objects", "refs"] {
        std::fs::create_dir(sandbox.work().join("deploy").join(folder)).expect("made");
    }
    // What the outer repository tracks is found all the same.
    let lines = found(&sandbox, &["deploy"]);
    assert!(lines.contains(&"deploy/tracked.yaml:5:3 plain-secret".to_owned()), "{lines:?}");
    sandbox.write(".git/config", &config);
    sandbox.run(["check", "."]);
    assert!(!ran.exists(), "a program of the repository's settings ran");
    // An index that is broken is told, and hides nothing.
    sandbox.write(".git/index", "nonsense");
    let run = sandbox.run(["check", "."]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("index` cannot be read"), "{}", run.stderr);
}

#[test]
fn what_a_submodule_tracks_is_looked_at_too() {
    let sandbox = repository();
    git(&sandbox, &["init", "-q"]);
    sandbox.write("module/plain.yaml", PLAIN);
    sandbox.write("module/.gitignore", "plain.yaml\n");
    let module = |args: &[&str]| git(&sandbox, &[&["-C", "module"][..], args].concat());
    module(&["init", "-q"]);
    module(&["add", "-f", "plain.yaml", ".gitignore"]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
    module(&[&who[..], &["commit", "-qm", "x"]].concat());
    git(&sandbox, &["-c", "advice.addEmbeddedRepo=false", "add", "module"]);
    assert_eq!(found(&sandbox, &[]), ["module/plain.yaml:5:3 plain-secret"]);
}

/// Git writes no such path; who sends an archive of a repository can.
#[test]
fn no_index_leads_out_of_its_repository() {
    let sandbox = repository();
    git(&sandbox, &["init", "-q"]);
    sandbox.write("aa/b.yaml", PLAIN);
    git(&sandbox, &["add", "aa/b.yaml"]);
    let index = sandbox.work().join(".git/index");
    let mut bytes = std::fs::read(&index).expect("there");
    let path = b"aa/b.yaml";
    let at = bytes.windows(path.len()).position(|part| part == path).expect("tracked");
    bytes[at..at + 2].copy_from_slice(b"..");
    std::fs::write(&index, bytes).expect("written");
    std::fs::rename(sandbox.work().join("aa/b.yaml"), sandbox.work().join("../b.yaml"))
        .expect("moved");
    assert_eq!(found(&sandbox, &[]), [""; 0]);
}

#[test]
fn a_public_key_beside_a_kms_is_noted() {
    let sandbox = Sandbox::with_local_key();
    let yaml = sandbox.sealed(&["a=b"]);
    sandbox.write("db.yaml", &yaml);
    let note = "anyone who knows that key can make up such a Secret";
    let run = sandbox.run(["check", "db.yaml"]).succeeds();
    assert!(!run.stderr.contains(note), "{}", run.stderr);
    let kms = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
    sandbox.write("db.yaml", crate::sealed::with_one_more_kek(&yaml, kms));
    let run = sandbox.run(["check", "db.yaml", "--kek", kms]).succeeds();
    assert!(run.stderr.contains(note), "{}", run.stderr);
}
