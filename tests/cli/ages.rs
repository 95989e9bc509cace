//! How old values are, how old they may be, and that nothing makes them younger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use envcrypt_core::kek::{Context, DataKey, KekUri, Lifetimes, Ring, RingOptions};
use envcrypt_core::secret::{Meta, Place, PlainSecret, SecretType, SecretValue};
use envcrypt_peers::sops;
use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, own};
use crate::sealed::{aged, annotated, header, value, with_times};

const RULES: &str = "rules: [{keks: [local], maxAge: 90d}]";

/// A directory with a rule, and `prod/db` of that age.
fn with_file(days: u64) -> Sandbox {
    let sandbox = Sandbox::with_local_key();
    sandbox.write(".envcrypt.yaml", RULES);
    sandbox.write("db.yaml", aged(&sandbox.sealed(&["password=one", "user=two"]), days));
    sandbox
}

/// The findings of `check`, which must be of this kind.
fn finds(run: &Run, id: &str) -> String {
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.ends_with(&format!(" [{id}]\n")), "{}", run.stdout);
    run.stdout.clone()
}

fn times(yaml: &str, key: &str) -> (Option<u64>, u64) {
    let header = header(&value(yaml, key));
    (header["born"].as_u64(), header["iat"].as_u64().expect("a time"))
}

#[test]
fn a_value_that_is_older_than_its_rule_allows_is_found_with_its_owner() {
    let sandbox = with_file(412);
    let found = finds(&sandbox.run(["check"]), "stale");
    assert_eq!(
        found,
        "db.yaml:1:1: the Secret `prod/db` has values that are older than the `maxAge` of `.envcrypt.yaml`, 90d: `password` (412d), `user` (412d); set new values with `kubectl envcrypt set`: `rotate` keeps their age [stale]\n"
    );
    let yaml = annotated(&sandbox.read("db.yaml"), "envcrypt.dev/owner", "team \u{1b}[31mpay\n");
    let yaml = annotated(&yaml, "envcrypt.dev/never-stale", "host, user");
    sandbox.write("db.yaml", yaml);
    let found = finds(&sandbox.run(["check"]), "stale");
    assert!(found.contains("90d: `password` (412d); owner: team \\u{1b}[31mpay; "), "{found}");
    let run = sandbox.run(["check", "-o", "json"]);
    let json: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let found = &json["findings"][0];
    assert_eq!((&found["id"], &found["maxAge"]), (&json!("stale"), &json!("90d")));
    assert_eq!(found["owner"], "team \u{1b}[31mpay");
    assert_eq!(found["keys"][0]["key"], "password");
    assert!(found["keys"][0]["age"].as_u64().expect("seconds") >= 412 * 86_400);
    let run = sandbox.run(["check", "-o", "sarif"]);
    let sarif: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "stale");
    // The limit itself is not over it.
    sandbox.write("db.yaml", aged(&sandbox.sealed(&["password=one"]), 89));
    sandbox.run(["check"]).succeeds();
}

#[test]
fn the_rule_that_matches_says_how_old_a_value_may_be() {
    let sandbox = with_file(100);
    let rules = |text: &str| {
        sandbox.write(".envcrypt.yaml", text);
        sandbox.run(["check"])
    };
    rules("rules: [{keks: [local]}]").succeeds();
    rules("rules: [{keks: [local], path: '*.yaml'}, {keks: [local], maxAge: 90d}]").succeeds();
    rules("rules: [{keks: [local], namespace: dev, maxAge: 1d}, {keks: [local], maxAge: 20w}]")
        .succeeds();
    finds(&rules("rules: [{keks: [local], namespace: 'pro*', maxAge: 2399h}]"), "stale");
    // No context is known here, so each of these may be the first.
    rules("rules: [{keks: [local], context: dev, maxAge: 1d}, {keks: [local], maxAge: 101d}]")
        .succeeds();
    finds(&rules("rules: [{keks: [local], context: dev}, {keks: [local], maxAge: 90d}]"), "stale");
    // The person's own rule comes first.
    let own = |text: &str| {
        std::fs::create_dir_all(sandbox.config()).expect("made");
        std::fs::write(sandbox.config().join("config.yaml"), text).expect("written");
        sandbox.run(["check"])
    };
    own("rules: [{keks: [local], maxAge: 101d}]").succeeds();
    finds(&own("rules: [{keks: [local]}]"), "stale");
    finds(&own("rules: [{keks: [local], maxAge: 99d}]"), "stale");
}

#[test]
fn an_age_that_means_nothing_is_one_error() {
    let sandbox = with_file(100);
    for bad in ["0d", "soon", "-1d", "3mo", "''"] {
        sandbox.write(
            ".envcrypt.yaml",
            format!("rules: [{{keks: [local]}}, {{keks: [local], maxAge: {bad}}}]"),
        );
        let found = finds(&sandbox.run(["check"]), "kek-not-allowed");
        assert_eq!(found.lines().count(), 1, "{found}");
        let wrong = "rule 2: its `maxAge` is not a valid age: write 90d, 12w or 36h";
        assert!(found.contains(wrong), "{found}");
        let error = sandbox
            .run(["create", "x", "-nprod", "--generate=a", "-oyaml", "--dry-run=client"])
            .fails(1);
        assert!(error.contains(wrong), "{error}");
    }
}

#[test]
fn a_date_that_has_passed_is_found_until_a_value_is_newer() {
    let sandbox = with_file(0);
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local]}]");
    let sealed = sandbox.sealed(&["password=one"]);
    let day = |days: i64| {
        let now = jiff::Timestamp::now();
        let then = now - jiff::SignedDuration::from_hours(24 * days);
        then.strftime("%Y-%m-%d").to_string()
    };
    let check = |age: u64, date: &str| {
        let yaml = annotated(&aged(&sealed, age), "envcrypt.dev/rotate-by", date);
        sandbox.write("db.yaml", yaml);
        sandbox.run(["check"])
    };
    let date = day(10);
    let found = finds(&check(30, &date), "rotate-by");
    let text = format!(
        "the Secret `prod/db` had to get new values by {date}, and has older ones: `password` (30d); "
    );
    assert!(found.contains(&text), "{found}");
    check(5, &date).succeeds();
    check(30, &day(-10)).succeeds();
    // The whole day is still in time.
    check(30, &day(0)).succeeds();
    for bad in ["soon", "2026-02-30", "2026-1-1", ""] {
        let found = finds(&check(0, bad), "rotate-by");
        assert!(found.contains("that is not a date: write it as 2026-03-01"), "{found}");
    }
    let yaml = annotated(&aged(&sealed, 0), "envcrypt.dev/rotate-by", "soon");
    sandbox.write("db.yaml", annotated(&yaml, "envcrypt.dev/owner", "payments"));
    let found = finds(&sandbox.run(["check"]), "rotate-by");
    assert!(found.contains("write it as 2026-03-01; owner: payments"), "{found}");
}

#[test]
fn a_time_in_the_future_is_no_excuse() {
    let sandbox = with_file(0);
    let yaml = with_times(&sandbox.sealed(&["password=one"]), 4_000_000_000, None);
    sandbox.write("db.yaml", annotated(&yaml, "envcrypt.dev/rotate-by", "2020-01-01"));
    let run = sandbox.run(["check"]);
    let text =
        "values that say that they were set in the future, so their age is unknown: `password`; ";
    assert_eq!(run.stdout.matches(text).count(), 2, "{}", run.stdout);
    assert!(!run.stdout.contains("<invalid>") && !run.stdout.contains("older"), "{}", run.stdout);
    let table = sandbox.run(["inspect", "-f", "db.yaml"]).succeeds().stdout;
    assert!(table.contains("<invalid>"), "{table}");
}

#[test]
fn ages_can_be_left_to_another_job() {
    let sandbox = with_file(100);
    let old = sandbox.read("db.yaml");
    sandbox.run(["check", "--ignore", "rotate-by,stale"]).succeeds();
    finds(&sandbox.run(["check", "--ignore", "rotate-by"]), "stale");
    // What it hides is that kind alone.
    sandbox.write(
        "plain.yaml",
        "{apiVersion: v1, kind: Secret, metadata: {name: x}, stringData: {a: x}}",
    );
    finds(&sandbox.run(["check", "--ignore", "stale"]), "plain-secret");
    let error = sandbox.run(["check", "--ignore", "stael"]).fails(2);
    assert!(error.contains("stale"), "{error}");
    // As a filter, and as a KRM function.
    let run = sandbox.pipe(&old, ["check", "--filter"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains(" [stale]"), "{}", run.stderr);
    let run = sandbox.pipe(&old, ["check", "--filter", "--ignore=stale"]).succeeds();
    assert_eq!(run.stdout, old);
    let list =
        format!("{{apiVersion: config.kubernetes.io/v1, kind: ResourceList, items: [{old}]}}");
    let run = sandbox.pipe(&list, ["krm"]);
    assert!(run.code == Some(1) && run.stdout.contains("[stale]"), "{}", run.stdout);
    sandbox.pipe(&list, ["krm", "--ignore=stale"]).succeeds();
}

#[test]
fn only_a_new_value_is_younger() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=one", "b=two"]));
    let (_, born) = times(&sandbox.read("db.yaml"), "a");
    let a = |run: Run| {
        run.succeeds();
        times(&sandbox.read("db.yaml"), "a")
    };
    let (first, sealed) = a(sandbox.run(["rotate", "-f", "db.yaml"]));
    assert_eq!((first, sealed > born), (Some(born), true));
    let run = sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=one", "--from-literal=b=new"]);
    let tells = "`a` keeps its value, so it is as old as before";
    assert!(run.stderr.contains(tells) && !run.stderr.contains("`b`"), "{}", run.stderr);
    let (second, again) = a(run);
    assert_eq!((second, again > sealed), (Some(born), true), "it was sealed again");
    assert_eq!(times(&sandbox.read("db.yaml"), "b").0, None);
    let run = sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=one", "--idempotent"]);
    assert_eq!(a(run), (Some(born), again));
    // The other form, and another KEK.
    for to in ["envcryptsecret", "secret"] {
        sandbox.run(["convert", "-i", "-f", "db.yaml", "--to", to]).succeeds();
    }
    sandbox.run(["rewrap", "-f", "db.yaml", "--add", &crate::repository::leaked()]).succeeds();
    assert_eq!(times(&sandbox.read("db.yaml"), "a"), (Some(born), again));
    sandbox.run(["seal", "-i", "-f", "db.yaml", "--kek=local"]);
    assert_eq!(times(&sandbox.read("db.yaml"), "a"), (Some(born), again));
    // A new value, and one that nobody compared.
    assert_eq!(a(sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=new"])).0, None);
    let shown = sandbox.run(["inspect", "-f", "db.yaml", "-ojson"]).succeeds().stdout;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["keys"][0]["bornAt"], shown["keys"][0]["sealedAt"]);
}

#[test]
fn what_people_note_stays_on_the_secret() {
    let sandbox = Sandbox::with_local_key();
    let create = |note: &str| {
        sandbox.run([
            "create",
            "db",
            "-nprod",
            "--kek=local",
            "--dry-run=client",
            "-oyaml",
            "--from-literal=a=one",
            "--annotations",
            note,
        ])
    };
    let error = create("envcrypt.dev/rotate-by=soon").fails(2);
    assert!(
        error.contains("`envcrypt.dev/rotate-by` is not a date: write it as 2026-03-01"),
        "{error}"
    );
    let error = create("envcrypt.dev/seal=x").fails(1);
    assert!(error.contains("reserved"), "{error}");
    let yaml = create("envcrypt.dev/owner=payments").succeeds().stdout;
    let yaml = annotated(&yaml, "envcrypt.dev/rotate-by", "2099-03-01");
    let notes = |text: &str| {
        let object: Value = serde_yaml::from_str(text).expect("YAML");
        [&object["metadata"], &object["spec"]["template"]].map(|at| {
            let notes = ["owner", "rotate-by"].map(|name| format!("envcrypt.dev/{name}"));
            notes.map(|name| at["annotations"][&name].as_str().map(str::to_owned))
        })
    };
    let (all, none) = (["payments", "2099-03-01"].map(|text| Some(text.to_owned())), [None, None]);
    let secret = [all.clone(), none.clone()];
    assert_eq!(notes(&yaml), secret);
    let resource = sandbox.pipe(&yaml, ["convert", "-f", "-", "--to", "envcryptsecret"]).succeeds();
    assert_eq!(resource.stderr, "envcryptsecret/db converted\n", "the controller accepts them");
    assert_eq!(notes(&resource.stdout), [none, all]);
    let back = sandbox.pipe(&resource.stdout, ["convert", "-f", "-", "--to", "secret"]).succeeds();
    assert_eq!(notes(&back.stdout), secret);
    // On the resource itself, as `kubectl annotate` puts them.
    let own = annotated(&resource.stdout, "envcrypt.dev/owner", "web");
    let back = sandbox.pipe(&own, ["convert", "-f", "-", "--to", "secret"]).succeeds().stdout;
    assert_eq!(notes(&back)[0][0].as_deref(), Some("web"));
    let plain = sandbox.pipe(&yaml, ["unwrap", "-f", "-", "-oyaml"]).succeeds().stdout;
    assert_eq!(notes(&plain), secret);
    let sealed = sandbox.pipe(&plain, ["seal", "-f", "-", "--kek=local"]).succeeds().stdout;
    assert_eq!(notes(&sealed), secret);
}

#[test]
fn a_value_of_sops_is_as_old_as_its_file() {
    let sandbox = Sandbox::with_local_key();
    let text = sops_file(&sandbox, "2020-01-01T00:00:00Z");
    let born = |args: &[&str]| {
        let seal = ["seal", "-f", "-", "--kek=local"];
        let yaml = sandbox.pipe(&text, seal.iter().chain(args)).succeeds().stdout;
        times(&yaml, "password").0
    };
    assert_eq!(born(&[]), Some(1_577_836_800));
    // Then nothing protects the time.
    assert_eq!(born(&["--ignore-mac"]), None);
}

/// `prod/db` as SOPS would have written it at that time, for the sandbox's own key.
fn sops_file(sandbox: &Sandbox, time: &str) -> String {
    let kek: KekUri = own(sandbox).parse().expect("a KEK");
    let key = DataKey::generate();
    let ring = Ring::new(RingOptions {
        identities: Vec::new(),
        passphrases: Arc::new(|_| Err("nobody is asked".to_owned())),
        plugin_user: None,
        patience: Duration::from_secs(2),
        lifetimes: Lifetimes::run(),
        vaults: Default::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let keks = std::slice::from_ref(&kek);
    let wrapped = runtime.expect("a runtime").block_on(ring.wrap(keks, &key, &Context::default()));
    let wrapped = wrapped.expect("wrapped").remove(0).key;
    let recipient = sops::Recipient {
        kek: wrapped.kek,
        wrapped: wrapped.bytes,
        context: BTreeMap::new(),
        address: None,
    };
    let place =
        Place { namespace: "prod".parse().expect("valid"), name: "db".parse().expect("ok") };
    let meta = Meta {
        place,
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    let value = ("password".parse().expect("a key"), SecretValue::new(b"hunter2".to_vec()));
    let secret = PlainSecret { meta, values: [value].into() };
    sops::write(&secret, &key, &[recipient], time).expect("written")
}
