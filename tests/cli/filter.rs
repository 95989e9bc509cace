//! `check --filter` and `krm`: the check inside other programs.

use crate::sandbox::Sandbox;

const PLAIN: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  password: hunter2\n";

#[test]
fn a_filter_lets_every_byte_pass_or_none() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=one"]);
    let windows = sealed.replace('\n', "\r\n");
    let odd = "# héllo\n\n---\n---\na: 1.10\r\nb: [yes]";
    for good in ["", "no manifest", odd, &sealed, &windows, &format!("{sealed}---\n{odd}")] {
        let run = sandbox.pipe(good, ["check", "--filter"]).succeeds();
        assert_eq!(run.stdout, good);
    }
    let run = sandbox.pipe(format!("{sealed}---\n{PLAIN}"), ["check", "--filter"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("the Secret `x` has a plaintext value: `password`"));
    assert!(!run.stderr.contains("hunter2"));
    let run = sandbox.pipe(sealed.replace("name: db\n", "name: other\n"), ["check", "--filter"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("[out-of-place]"));
}

#[test]
fn a_filter_takes_no_file_and_no_other_form() {
    let sandbox = Sandbox::new();
    for more in [&["x.yaml"][..], &["-o", "json"], &["--exclude", "x"], &["--no-ignore"]] {
        let run = sandbox.pipe("", [&["check", "--filter"], more].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{more:?}");
    }
}

/// A list as Kustomize writes it.
fn list(items: &[&str]) -> String {
    let items: String =
        items.iter().map(|item| format!("- {}\n", item.trim_end().replace('\n', "\n  "))).collect();
    format!(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}functionConfig:\n  apiVersion: envcrypt.dev/v1alpha1\n  kind: Check\n  metadata: {{name: x}}\n"
    )
}

#[test]
fn a_function_returns_the_list_unchanged_if_nothing_is_found() {
    let sandbox = Sandbox::with_local_key();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {config.kubernetes.io/index: '0'}}\ndata: {v: \"0777\"}\n";
    for good in [
        list(&[&sandbox.sealed(&["a=one"]), map]),
        list(&[]),
        "{apiVersion: config.kubernetes.io/v1beta1, kind: ResourceList}".to_owned(),
        "{\"apiVersion\":\"config.kubernetes.io/v1\",\"kind\":\"ResourceList\",\"items\":[]}"
            .to_owned(),
    ] {
        let run = sandbox.pipe(&good, ["krm"]).succeeds();
        assert_eq!(run.stdout, good);
    }
}

#[test]
fn a_function_adds_what_it_found_and_fails() {
    let sandbox = Sandbox::with_local_key();
    let plain = PLAIN.replace(
        "{name: x}",
        "{name: x, namespace: prod, annotations: {config.kubernetes.io/path: a/b.yaml}}",
    );
    let moved = sandbox.sealed(&["a=one"]).replace("name: db\n", "name: other\n");
    let run = sandbox.pipe(list(&[&plain, &moved]), ["krm"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    let output: serde_yaml::Value = serde_yaml::from_str(&run.stdout).expect("YAML");
    assert_eq!(output["items"].as_sequence().map(Vec::len), Some(2));
    let results = &output["results"];
    assert_eq!(
        results[0]["message"],
        "the Secret `prod/x` has a plaintext value: `password` [plain-secret]"
    );
    assert_eq!(results[0]["severity"], "error");
    assert_eq!(results[0]["file"]["path"], "a/b.yaml");
    assert_eq!(results[0]["resourceRef"]["namespace"], "prod");
    assert_eq!(results[1]["resourceRef"]["name"], "other");
    assert!(results[1]["message"].as_str().expect("text").ends_with("[out-of-place]"));
    assert!(results[1]["file"].is_null() && results[2].is_null());
    // The path of an annotation chooses no rule and leads nowhere.
    sandbox.write(".envcrypt.yaml", "rules:\n- keks: [awskms:///alias/prod]\n");
    let run = sandbox.pipe(list(&[&sandbox.sealed(&["a=one"])]), ["krm"]);
    assert!(run.stderr.contains("[kek-not-allowed]"), "{}", run.stderr);
}

#[test]
fn a_function_takes_nothing_but_a_list() {
    let sandbox = Sandbox::new();
    let no_items = "{apiVersion: config.kubernetes.io/v1, kind: ResourceList, items: hunter2}";
    for bad in ["", PLAIN, "a: [hunter2", no_items, "{apiVersion: v1, kind: ResourceList}"] {
        let run = sandbox.pipe(bad, ["krm"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{bad}");
        assert!(run.stderr.contains("it is not a ResourceList"), "{}", run.stderr);
        assert!(!run.stderr.contains("hunter2"));
    }
}

/// Whatever hides a Secret from a reader of YAML does not hide it from the function.
#[test]
fn a_function_sees_a_secret_in_each_disguise() {
    let sandbox = Sandbox::new();
    for hidden in [
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: x}, data: {k: eA==}}]}",
        "{apiVersion: v1, kind: !!binary U2VjcmV0, metadata: {name: x}, data: {k: eA==}}",
        "{apiVersion: v1, kind: \"\\x53ecret\", metadata: {name: x}, data: {k: eA==}}",
    ] {
        let run = sandbox.pipe(list(&[hidden]), ["krm"]);
        assert_eq!(run.code, Some(1), "{hidden}: {}", run.stderr);
    }
}
