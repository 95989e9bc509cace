//! Where signatures are asked for, nothing gets past them in another shape.

use super::{FILE, Person};

/// A person who asks for signatures of the key `id`, with a signed Secret.
fn strict() -> Person {
    let mut person = Person::with_key();
    person.signs();
    let list = person.home().join("allowed_signers");
    std::fs::write(&list, format!("me {}\n", person.public_key("id"))).expect("written");
    let list = list.to_str().expect("UTF-8").to_owned();
    person.sandbox = person.sandbox.env("ENVCRYPT_SIGNERS", list);
    person
}

impl Person {
    /// The ids of what `check` finds.
    fn found(&self) -> Vec<String> {
        let run = self.sandbox.run(["check", FILE, "-o", "json"]);
        let json: serde_json::Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
        let findings = json["findings"].as_array().expect("a list").iter();
        findings.map(|finding| finding["id"].as_str().expect("text").to_owned()).collect()
    }

    fn change(&self, from: &str, to: &str) {
        let text = self.sandbox.read(FILE);
        assert!(text.contains(from), "{text}");
        self.sandbox.write(FILE, text.replacen(from, to, 1));
    }
}

#[test]
fn a_signed_file_has_no_findings_and_one_without_a_signature_has() {
    let person = strict();
    assert!(person.found().is_empty());
    person.change("    envcrypt.dev/signatures", "    other");
    assert_eq!(person.found(), ["signature-missing"]);
}

#[test]
fn a_secret_whose_name_a_template_sets_is_not_let_through() {
    let person = strict();
    person.change("name: db", "name: {{ \"db\" }}");
    assert_eq!(person.found(), ["signature-missing"]);
}

#[test]
fn a_secret_without_a_namespace_does_not_escape_the_rules_of_namespaces() {
    let person = Person::with_key();
    let create = ["create", "db", "-nprod", "--kek=local", "--scope=cluster", "--generate=a"];
    let more = ["--dry-run=client", "-oyaml"];
    let yaml = person.sandbox.run(create.iter().chain(&more)).succeeds().stdout;
    person.sandbox.write(FILE, yaml.replace("  namespace: prod\n", ""));
    assert!(person.found().is_empty());
    person.sandbox.write("signers", format!("me {}\n", person.public_key("id")));
    let rule = "rules: [{namespace: prod, keks: [local], signers: signers}]";
    person.sandbox.write(".envcrypt.yaml", rule);
    assert_eq!(person.found(), ["signature-missing"]);
}

#[test]
fn an_order_to_a_program_is_not_taken_for_a_label_of_a_tool() {
    let person = strict();
    let labels = "  labels:\n    argocd.argoproj.io/instance: shop\n    argocd.argoproj.io/secret-type: cluster\n  annotations:";
    person.change("  annotations:", labels);
    assert_eq!(person.found(), ["unsigned-label"]);
    let error = person.sandbox.run(["unwrap", "-f", FILE]).fails(1);
    assert!(error.contains("did not sign `argocd.argoproj.io/secret-type`"), "{error}");
    let plain = person.sandbox.run(["unwrap", "-f", FILE, "--drop-unsigned"]).succeeds().stdout;
    assert!(!plain.contains("argocd"), "{plain}");
}

#[test]
fn a_resource_with_an_annotation_that_nobody_signed_is_not_applied() {
    let person = strict();
    person.sandbox.run(["convert", "-f", FILE, "--to", "envcryptsecret", "-i"]).succeeds();
    assert!(person.found().is_empty());
    let apply = ["apply", "-f", FILE, "--dry-run=client"];
    person.sandbox.run(apply).succeeds();
    person.change("spec:\n", "spec:\n  template:\n    annotations:\n      copy: dev\n");
    let error = person.sandbox.run(apply).fails(1);
    assert!(error.contains("the signers of the Secret `prod/db` did not sign `copy`"), "{error}");
}

#[test]
fn a_single_value_has_no_signature() {
    let mut person = strict();
    let object: serde_json::Value = serde_yaml::from_str(&person.sandbox.read(FILE)).expect("YAML");
    let value = object["data"]["password"].as_str().expect("text");
    use base64::Engine;
    let value = base64::prelude::BASE64_STANDARD.decode(value).expect("base64");
    let value = String::from_utf8(value).expect("text");
    person.sandbox = person.sandbox.env("password", value);
    let exec = ["exec", "-n", "prod", "--kek=local"];
    let program = ["--", "sh", "-c", "echo $password"];
    let names = ["--spec-env", "ENVCRYPT_SIGNERS"];
    let error = person.sandbox.run(exec.iter().chain(&names).chain(&program)).fails(1);
    assert!(
        error.contains("which has no signature, but `ENVCRYPT_SIGNERS` asks for one"),
        "{error}"
    );
    let anyway = ["--insecure-skip-signature"];
    let run = person.sandbox.run(exec.iter().chain(&names).chain(&anyway).chain(&program));
    assert_eq!(run.succeeds().stdout, "hunter2\n");
}
