//! The policies of Vault, on OpenBao: one namespace, and no other one.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::sandbox::{Run, Sandbox};
use crate::sealed;
use crate::vault::{vault, with_vault};

/// Names of different lengths, so that base64 cuts the namespace at each of three places.
const NAMES: [&str; 7] =
    ["a", "db", "api", "web-1", "x.y.z", "payments-db", "a-very-long-name.of-a-secret.example"];

struct Key {
    name: String,
    kek: String,
}

impl Key {
    fn new() -> Self {
        let name = vault().key();
        Self { kek: format!("hashivault://{name}"), name }
    }

    /// A sandbox whose token has the policy that `policy ARGS` prints for this key.
    fn with_policy(&self, role: &str, args: &[&str]) -> (Sandbox, String) {
        let fixed = ["policy", role, "-o", "vault", "--kek", &self.kek, "--role-name", role];
        let text = Sandbox::new().run(fixed.iter().chain(args)).succeeds().stdout;
        let policy = format!("{}-{role}-{}", self.name, args.join("-").replace("--", ""));
        vault().write_policy(&policy, &text);
        let token = vault().token_with(&policy);
        let sandbox = with_vault(Sandbox::new(), vault().port).env("VAULT_TOKEN", &token);
        (sandbox, token)
    }

    /// Seals a Secret as root.
    fn sealed(&self, namespace: &str, name: &str, scope: &str) -> String {
        let root = with_vault(Sandbox::new(), vault().port);
        self.create(&root, namespace, name, scope).succeeds().stdout
    }

    fn create(&self, sandbox: &Sandbox, namespace: &str, name: &str, scope: &str) -> Run {
        let kek = format!("--kek={}", self.kek);
        let scope = format!("--scope={scope}");
        let literal = "--from-literal=key0=value0";
        let fixed = ["create", name, "-n", namespace, literal, &kek, &scope];
        sandbox.run(fixed.into_iter().chain(["--dry-run=client", "-oyaml"]))
    }

    fn unwrap(&self, sandbox: &Sandbox, yaml: &str) -> Run {
        sandbox.pipe(yaml, ["unwrap", "-f", "-", "--kek", &self.kek])
    }

    /// A request of its own, with this token.
    fn write(&self, token: &str, operation: &str, parameters: &[String]) -> Run {
        let path = format!("transit/{operation}/{}", self.name);
        let mut command = std::process::Command::new(crate::programs::find("bao"));
        command.env("BAO_ADDR", vault().address()).env("BAO_TOKEN", token);
        Run::from(command.args(["write", &path]).args(parameters).output().expect("bao starts"))
    }
}

#[track_caller]
fn is_denied(error: &str) {
    assert!(error.contains("cannot unwrap the data key") && error.contains("denied"), "{error}");
}

#[test]
fn a_reader_of_one_namespace_opens_its_secrets_and_no_others() {
    let key = Key::new();
    let (sandbox, _) = key.with_policy("reader", &["-n", "prod"]);
    for (name, scope) in NAMES.into_iter().flat_map(|name| [(name, "strict"), (name, "namespace")])
    {
        let plain = key.unwrap(&sandbox, &key.sealed("prod", name, scope)).succeeds().stdout;
        assert!(plain.contains("key0"), "{plain}");
        for other in ["dev", "preprod", "prod-2", "rod"] {
            is_denied(&key.unwrap(&sandbox, &key.sealed(other, name, scope)).fails(1));
        }
    }
    is_denied(&key.unwrap(&sandbox, &key.sealed("prod", "db", "cluster")).fails(1));
    for role in ["workload", "controller"] {
        let (sandbox, _) = key.with_policy(role, &["-n", "prod"]);
        key.unwrap(&sandbox, &key.sealed("prod", "db", "strict")).succeeds();
        is_denied(&key.unwrap(&sandbox, &key.sealed("dev", "db", "strict")).fails(1));
    }
}

#[test]
fn several_namespaces_and_named_secrets_are_as_exact() {
    let key = Key::new();
    let (two, _) = key.with_policy("reader", &["-n", "prod", "-n", "stage"]);
    for namespace in ["prod", "stage"] {
        key.unwrap(&two, &key.sealed(namespace, "db", "strict")).succeeds();
    }
    is_denied(&key.unwrap(&two, &key.sealed("dev", "db", "strict")).fails(1));
    let (named, _) = key.with_policy("workload", &["-n", "prod", "--name", "db"]);
    key.unwrap(&named, &key.sealed("prod", "db", "strict")).succeeds();
    for (namespace, name, scope) in [
        ("prod", "web", "strict"),
        ("dev", "db", "strict"),
        ("prod", "db", "namespace"),
        ("prod", "a-db", "strict"),
    ] {
        is_denied(&key.unwrap(&named, &key.sealed(namespace, name, scope)).fails(1));
    }
}

#[test]
fn no_other_request_of_a_reader_passes() {
    let key = Key::new();
    let (_, token) = key.with_policy("reader", &["-n", "prod"]);
    let yaml = key.sealed("prod", "db", "strict");
    let text = String::from_utf8(sealed::wrapped(&yaml, "key0")).expect("text");
    let ciphertext = format!("ciphertext={text}");
    let data = |json: &str| format!("associated_data={}", BASE64_STANDARD.encode(json));
    let right = data(r#"{"envcrypt.dev/name":"db","envcrypt.dev/namespace":"prod"}"#);
    let decrypt = |parameters: &[&String]| {
        let parameters: Vec<String> = parameters.iter().map(|text| (*text).clone()).collect();
        key.write(&token, "decrypt", &parameters)
    };
    decrypt(&[&ciphertext, &right]).succeeds();
    let denied = |run: Run| {
        assert!(run.code != Some(0) && run.stderr.contains("permission denied"), "{}", run.stderr);
    };
    denied(decrypt(&[&ciphertext]));
    denied(decrypt(&[
        &ciphertext,
        &data(r#"{"envcrypt.dev/name":"db","envcrypt.dev/namespace":"dev"}"#),
    ]));
    for other in [
        r#"{"envcrypt.dev/name":"db","x.envcrypt.dev/namespace":"prod"}"#,
        r#"{"x.envcrypt.dev/namespace":"prod"}"#,
        r#" {"envcrypt.dev/namespace":"prod"}"#,
        r#"{"envcrypt.dev/name":"db","envcrypt.dev/namespace":"prod"} "#,
    ] {
        denied(decrypt(&[&ciphertext, &data(other)]));
    }
    denied(decrypt(&[&ciphertext, &right, &"key_version=1".to_owned()]));
    let batch = format!(r#"batch_input=[{{"ciphertext":"{text}"}}]"#);
    denied(decrypt(&[&batch]));
    denied(decrypt(&[&batch, &ciphertext, &right]));
    for operation in ["rewrap", "encrypt"] {
        denied(key.write(&token, operation, &[ciphertext.clone(), right.clone()]));
    }
}

#[test]
fn a_sealer_seals_for_one_namespace_and_opens_nothing() {
    let key = Key::new();
    let (sandbox, token) = key.with_policy("sealer", &["-n", "prod"]);
    for name in NAMES {
        for scope in ["strict", "namespace"] {
            let yaml = key.create(&sandbox, "prod", name, scope).succeeds().stdout;
            is_denied(&key.unwrap(&sandbox, &yaml).fails(1));
        }
    }
    for (namespace, scope) in [("dev", "strict"), ("preprod", "namespace"), ("prod", "cluster")] {
        let error = key.create(&sandbox, namespace, "db", scope).fails(1);
        assert!(error.contains("cannot wrap") && error.contains("access denied"), "{error}");
    }
    // It does not make a key of a mistyped name.
    let mistyped = Key { name: "mistyped".to_owned(), kek: "hashivault://mistyped".to_owned() };
    mistyped.create(&sandbox, "prod", "db", "strict").fails(1);
    let run = mistyped.write(&token, "encrypt", &["plaintext=YQ==".to_owned()]);
    assert!(run.stderr.contains("permission denied"), "{}", run.stderr);
}
