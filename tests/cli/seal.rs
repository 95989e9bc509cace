//! `seal` on files: what changes, what stays, and what is pointed out.

use crate::sandbox::Sandbox;

const KEK: [&str; 4] = ["-n", "prod", "--kek", "local"];

/// A file as people have them: Secrets of both sorts, in a list too, and others.
const FILE: &str = "\
# all we have
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  x: y   # kept
---
apiVersion: v1
kind: Secret
metadata:
  name: db   # the first
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {\"stringData\":{\"password\":\"hunter2\"}}
    team: payments
stringData:
  password: \"hunter2\"  # no one's business
  tls.crt: |
    line 1 # no comment
    line 2
---
{kind: List, apiVersion: v1, items: [{apiVersion: v1, kind: Secret, metadata: {name: two}, type: kubernetes.io/basic-auth, data: {username: YWRtaW4=}}]}
# the end
";

fn seal(sandbox: &Sandbox, args: &[&str]) -> crate::sandbox::Run {
    sandbox.run(["seal"].iter().chain(args).chain(&KEK))
}

/// The lines with nothing sealed on them.
fn other_lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.contains("eyJ") && !line.contains("{\"protected\"")).collect()
}

#[test]
fn a_file_is_printed_with_its_secrets_sealed_and_all_else_as_it_was() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("all.yaml", FILE);
    let run = seal(&sandbox, &["-f", "all.yaml"]).succeeds();
    assert_eq!(
        other_lines(&run.stdout),
        [
            "# all we have",
            "apiVersion: v1",
            "kind: ConfigMap",
            "metadata: {name: c}",
            "data:",
            "  x: y   # kept",
            "---",
            "apiVersion: v1",
            "kind: Secret",
            "metadata:",
            "  name: db   # the first",
            "  namespace: prod",
            "  annotations:",
            "    team: payments",
            "type: envcrypt.dev/sealed",
            "data:",
            "---",
            "# the end",
        ]
    );
    assert!(!run.stdout.contains("hunter2") && run.stdout.contains("  # no one's business\n"));
    assert_eq!(run.stderr, "secret/db sealed\nsecret/two sealed\nnote: 2 sealed\n");
    assert_eq!(sandbox.read("all.yaml"), FILE, "without -i the file stays as it is");

    let piped = sandbox.pipe(FILE, ["seal", "-f", "-"].iter().chain(&KEK)).succeeds();
    assert_eq!(other_lines(&piped.stdout), other_lines(&run.stdout));

    // What was sealed opens, as the type it was.
    let env = sandbox.pipe(&run.stdout, ["unwrap", "-f", "-", "-ojson"]).succeeds().stdout;
    let list: serde_json::Value = serde_json::from_str(&env).expect("JSON");
    assert_eq!(list["items"][0]["data"]["password"], "aHVudGVyMg==");
    assert_eq!(list["items"][0]["data"]["tls.crt"], "bGluZSAxICMgbm8gY29tbWVudApsaW5lIDIK");
    assert_eq!(list["items"][0]["metadata"]["annotations"]["team"], "payments");
    assert_eq!(list["items"][1]["type"], "kubernetes.io/basic-auth");
    assert_eq!(list["items"][1]["data"]["username"], "YWRtaW4=");
}

#[test]
fn in_place_every_file_of_a_folder_is_sealed_once() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("d/all.yaml", FILE);
    sandbox.write(
        "d/e/one.json",
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"j"},"data":{"k":"eA=="}}"#,
    );
    sandbox.write("d/values.yaml", "a: b\n");
    let run = seal(&sandbox, &["-i", "-R", "-f", "d"]).succeeds();
    let mut lines: Vec<_> = run.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "secret/db sealed (d/all.yaml)",
            "secret/j sealed (d/e/one.json)",
            "secret/two sealed (d/all.yaml)"
        ]
    );
    let (yaml, json) = (sandbox.read("d/all.yaml"), sandbox.read("d/e/one.json"));
    assert!(
        !yaml.contains("hunter2") && json.contains("\"type\": \"envcrypt.dev/sealed\""),
        "{json}"
    );
    sandbox.run(["unwrap", "-R", "-f", "d/e"]).succeeds();
    // A second time there is nothing to do.
    let run = seal(&sandbox, &["-i", "-R", "-f", "d"]).succeeds();
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("skipped sealed Secrets: 3"), "{}", run.stderr);
    assert_eq!((sandbox.read("d/all.yaml"), sandbox.read("d/e/one.json")), (yaml, json));
}

#[test]
fn a_filter_passes_through_what_holds_no_secret() {
    let sandbox = Sandbox::with_local_key();
    let text = "apiVersion: v1\nkind: Pod   # kept\nmetadata: {name: a}\n";
    let run = sandbox.pipe(text, ["seal", "-f", "-"].iter().chain(&KEK)).succeeds();
    assert_eq!(run.stdout, text);
    let error = sandbox.pipe("a: [hunter2", ["seal", "-f", "-"].iter().chain(&KEK)).fails(1);
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn what_cannot_be_sealed_leaves_everything_as_it_was() {
    let sandbox = Sandbox::with_local_key();
    let bad = "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\ndata: {k: not-base64}\n";
    let both = format!("{FILE}---\n{bad}");
    sandbox.write("all.yaml", &both);
    for args in [&["-f", "all.yaml"][..], &["-i", "-f", "all.yaml"]] {
        let error = seal(&sandbox, args).fails(1);
        assert!(error.contains("`k` of the Secret `prod/b` is not valid base64"), "{error}");
        assert_eq!(sandbox.read("all.yaml"), both);
    }
    sandbox.write("one.yaml", FILE);
    let error = seal(&sandbox, &["-f", "all.yaml,one.yaml"]).fails(2);
    assert!(error.contains("add `-i`"), "{error}");
    let run = sandbox.run(["seal", "-f", "one.yaml", "-n", "prod"]);
    assert_eq!((run.stdout.as_str(), run.code), ("", Some(1)));
    assert!(run.stderr.contains("there is no KEK to seal with"), "{}", run.stderr);
    // An anchor ties two Secrets together.
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: ";
    let tied = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {secret}t}}, data: &d {{a: eA==}}}}\n- {secret}u}}, data: *d}}\n"
    );
    sandbox.write("tied.yaml", &tied);
    let run = seal(&sandbox, &["-i", "-f", "tied.yaml"]);
    assert_eq!((run.stdout.as_str(), run.code), ("", Some(1)));
    assert!(run.stderr.contains("cannot be changed in place"), "{}", run.stderr);
    assert_eq!(sandbox.read("tied.yaml"), tied);
}

#[test]
fn likely_mistakes_are_pointed_out_and_can_be_allowed() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write(
        "s.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: changeme\n  b: \"x\\n\"\n  c: aHVudGVyMg==\n",
    );
    let run = seal(&sandbox, &["-f", "s.yaml"]).succeeds();
    let warnings: Vec<_> = run.stderr.lines().filter(|l| l.starts_with("warning: ")).collect();
    assert_eq!(
        warnings,
        [
            "warning: the value of `a` of `prod/s` looks like a placeholder for the real value; if you want this, use `--allow placeholder`",
            "warning: the value of `b` of `prod/s` ends with a line break, which is kept (`printf %s` writes none, `echo` does); if you want this, use `--allow trailing-newline`",
            "warning: the value of `c` of `prod/s` is base64 already: a program that reads it gets the base64, not the decoded value; if you want this, use `--allow base64`",
        ]
    );
    let allow = ["--allow", "placeholder,base64", "--allow=trailing-newline"];
    let run = seal(&sandbox, &[&["-f", "s.yaml"][..], &allow].concat()).succeeds();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    assert_eq!(seal(&sandbox, &["-f", "s.yaml", "--allow", "nothing"]).code, Some(2));
}

/// What stands in a file is sealed, whoever keeps it in the cluster.
#[test]
fn nothing_selected_passes_a_filter_in_the_clear() {
    let sandbox = Sandbox::with_local_key();
    let kept = "apiVersion: v1\nkind: Secret\ntype: bootstrap.kubernetes.io/token\nmetadata:\n  name: k\n  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]\nstringData: {token-id: abcdef, token-secret: 0123456789abcdef}\n";
    let run = sandbox.pipe(kept, ["seal", "-f", "-"].iter().chain(&KEK)).succeeds();
    assert!(
        run.stdout.contains("envcrypt.dev/sealed") && !run.stdout.contains("abcdef"),
        "{}",
        run.stdout
    );
}

/// A Secret that cannot be read is no other file that a folder holds besides.
#[test]
fn a_folder_is_not_done_where_a_plain_secret_is_left() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("d/ok.yaml", FILE);
    sandbox.write("d/values.yaml", "a: b\n");
    sandbox
        .write("d/chart.yaml", "kind: Secret\napiVersion: v1\ndata:\n  k: {{ .v }}\n{{ end }}\n");
    sandbox.write("d/twice.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: t}\nstringData:\n  k: hunter2\n  k: hunter2\n");
    let run = seal(&sandbox, &["-i", "-f", "d"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("error: `d/twice.yaml` cannot be used"), "{}", run.stderr);
    assert!(
        !run.stderr.contains("hunter2")
            && run.stderr.contains("skipped files that are not manifests, and links: 2")
    );
    assert!(sandbox.read("d/ok.yaml").contains("envcrypt.dev/sealed"), "the others are done");
}

#[test]
fn a_namespace_that_nobody_named_is_told() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("all.yaml", FILE);
    let bare = |args: &[&str]| {
        let fixed = ["seal", "-f", "all.yaml", "--kek", "local"];
        sandbox.run(fixed.iter().chain(args)).succeeds().stderr
    };
    let told = "warning: Secrets without a namespace (2 in all) are sealed for the namespace `default` and open only there";
    assert!(bare(&[]).contains(told), "{}", bare(&[]));
    assert!(!bare(&["-n", "prod"]).contains("without a namespace"));
    assert!(!bare(&["--scope", "cluster"]).contains("without a namespace"));
}

#[test]
fn a_dry_run_seals_nothing() {
    let nobody = Sandbox::new();
    nobody.write("all.yaml", FILE);
    let run = seal(&nobody, &["-f", "all.yaml", "--dry-run"]);
    assert!(!run.stdout.contains("hunter2") && !nobody.config().join("identities").exists());
    assert_eq!(run.code, Some(1), "there is no local key, and none is made");
    dry_run();
}

fn dry_run() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("all.yaml", FILE);
    let run = seal(&sandbox, &["-f", "all.yaml", "--dry-run"]).succeeds();
    assert_eq!(run.stdout, "");
    let run = seal(&sandbox, &["-i", "-f", "all.yaml", "--dry-run"]).succeeds();
    assert_eq!(run.stdout.matches("would be changed (dry run)").count(), 2);
    assert_eq!(sandbox.read("all.yaml"), FILE);
}

/// It has the type of a sealed Secret, so `seal` would pass it through.
#[test]
fn plaintext_inside_a_sealed_secret_is_not_passed_over() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=one"]);
    for (plain, why) in [
        ("stringData: {new: hunter2}\n", "has plaintext values in `stringData`"),
        ("", "`new` of the Secret `prod/db` cannot be read"),
    ] {
        let text = match plain {
            "" => sealed.replace("data:\n", "data:\n  new: aHVudGVyMg==\n"),
            plain => format!("{sealed}{plain}"),
        };
        sandbox.write("db.yaml", &text);
        for args in [&["seal", "-f", "db.yaml"][..], &["seal", "-i", "-f", "db.yaml"]] {
            let error = sandbox.run(args.iter().copied().chain(["--kek=local"])).fails(1);
            assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
            assert_eq!(sandbox.read("db.yaml"), text);
        }
    }
}
