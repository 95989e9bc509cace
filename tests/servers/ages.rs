//! `get --stale`: which values in a cluster must be replaced, and by whom.

use crate::control_plane::plane_with_crd;
use crate::sealed::aged;

#[test]
fn values_that_must_be_replaced_are_listed_with_their_owner_in_both_forms() {
    let plane = plane_with_crd();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let run = |args: &[&str]| sandbox.run(args.iter().chain(&["-n", &namespace]));
    let apply = |name: &str, days: u64, kind: &str, note: &str| {
        let fixed = ["create", name, "--kek=local", "--dry-run=client", "-oyaml"];
        let values = ["--from-literal=password=x", "--from-literal=user=x", "--annotations", note];
        let yaml = aged(&run(&[&fixed[..], &values].concat()).succeeds().stdout, days);
        let yaml = sandbox.pipe(&yaml, ["convert", "-f", "-", "--to", kind]).succeeds().stdout;
        sandbox.pipe(&yaml, ["apply", "-f", "-", "-n", &namespace]).succeeds();
    };
    apply("young", 10, "secret", "envcrypt.dev/owner=web");
    apply("old", 412, "secret", "envcrypt.dev/owner=payments");
    apply("old", 100, "envcryptsecret", "envcrypt.dev/owner=payments");
    apply("dated", 10, "envcryptsecret", "envcrypt.dev/rotate-by=2020-01-01");
    // Nothing limits them yet.
    let none = run(&["get", "--stale"]).succeeds();
    assert_eq!(none.stdout, "");
    let place = format!("no value is older than its limit in the namespace `{namespace}`");
    assert!(none.stderr.contains(&place), "{}", none.stderr);
    assert!(none.stderr.contains("Secrets without a limit: 3; set `maxAge`"), "{}", none.stderr);
    let none = run(&["get", "--stale", "-o", "json"]).succeeds().stdout;
    let none: serde_json::Value = serde_json::from_str(&none).expect("JSON");
    assert_eq!(none["items"], serde_json::json!([]));
    // With a rule for this namespace, and one for files, which says nothing here.
    sandbox.write(
        ".envcrypt.yaml",
        format!("rules: [{{keks: [local], path: '**', maxAge: 1d}}, {{keks: [local], namespace: {namespace}, maxAge: 90d}}]"),
    );
    let table = run(&["get", "--stale"]).succeeds();
    let rows: Vec<Vec<&str>> =
        table.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |name, oldest| vec![&*namespace, name, "password,user", oldest, "90d", "payments"];
    assert_eq!(
        rows,
        [
            vec!["NAMESPACE", "NAME", "KEYS", "OLDEST", "LIMIT", "OWNER"],
            row("old", "412d"),
            row("envcryptsecret/old", "100d"),
        ]
    );
    assert_eq!(table.stderr, "");
    // A date on the object itself, and what never gets stale.
    let annotate = |name: &str, note: &str| {
        let kinds = [name, note, "-n", &namespace, "--overwrite"];
        plane.kubectl(["annotate"].into_iter().chain(kinds)).succeeds();
    };
    annotate("evs/old", "envcrypt.dev/never-stale=password,user");
    annotate("secret/young", "envcrypt.dev/rotate-by=someday");
    annotate("secret/old", "envcrypt.dev/rotate-by=2020-01-01");
    annotate("secret/old", "envcrypt.dev/never-stale=user");
    let table = run(&["get", "--stale", "--no-headers", "-o", "wide"]).succeeds().stdout;
    let rows: Vec<Vec<&str>> =
        table.lines().map(|l| l.split_whitespace().skip(1).collect()).collect();
    assert_eq!(
        rows,
        [
            vec!["old", "password", "412d", "90d", "payments"],
            vec!["young", "<none>", "<none>", "<invalid>", "web"]
        ]
    );
    assert_eq!(run(&["get", "--stale", "-oname"]).succeeds().stdout, "secret/old\nsecret/young\n");
    assert_eq!(run(&["get", "old", "--stale", "-oname"]).succeeds().stdout, "secret/old\n");
    let all = sandbox.run(["get", "-A", "--stale", "-oyaml"]).succeeds().stdout;
    assert!(all.contains("name: young") && !all.contains("name: dated"), "{all}");
    // The wide table shows ages and owners of all.
    let wide = run(&["get", "-owide"]).succeeds().stdout;
    assert!(wide.lines().next().expect("a header").ends_with("AGE   OLDEST   OWNER"), "{wide}");
    assert!(
        wide.contains("   412d     payments\n") && wide.contains("   10d      web\n"),
        "{wide}"
    );
    // Rules that cannot be read hide nothing.
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local], maxAge: 0d}]");
    let error = run(&["get", "--stale"]).fails(1);
    assert!(error.contains("its `maxAge` is not a valid age"), "{error}");
}
