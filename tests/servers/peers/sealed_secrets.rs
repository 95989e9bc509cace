//! The real kubeseal, with a certificate that was made here.

use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

use crate::control_plane::control_plane;
use crate::programs::find;
use crate::sandbox::{Run, Sandbox};

/// A key of the controller: its certificate, and the private key as the controller stores it.
pub struct Key {
    certificate: String,
    /// PKCS#1.
    private: String,
}

impl Key {
    pub fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("an RSA key");
        let certificate = CertificateParams::default().self_signed(&key).expect("a certificate");
        // PKCS#8 of a key of 2048 bits has 26 bytes in front of PKCS#1.
        let pkcs1 = BASE64_STANDARD.encode(&key.serialize_der()[26..]);
        let private =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{pkcs1}\n-----END RSA PRIVATE KEY-----\n");
        Self { certificate: certificate.pem(), private }
    }

    /// The Secret of the controller with this key.
    pub fn secret(&self, name: &str) -> String {
        let data = |text: &str| BASE64_STANDARD.encode(text);
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  labels: {{sealedsecrets.bitnami.com/sealed-secrets-key: active}}\ntype: kubernetes.io/tls\ndata:\n  tls.crt: {}\n  tls.key: {}\n",
            data(&self.certificate),
            data(&self.private)
        )
    }
}

pub const PLAIN: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: prod\n  labels: {app: web}\ntype: kubernetes.io/basic-auth\nstringData:\n  username: me\n  password: hunter2\n";

pub fn kubeseal(sandbox: &Sandbox, key: &Key, input: &str, args: &[&str]) -> String {
    let certificate = sandbox.write("cert.pem", &key.certificate);
    sandbox.write("input.yaml", input);
    let mut command = Command::new(find("kubeseal"));
    command
        .env_clear()
        .env("HOME", sandbox.work())
        .args(["--cert".as_ref(), certificate.as_os_str()]);
    let input = std::fs::File::open(sandbox.work().join("input.yaml")).expect("there");
    let run = command.args(args).stdin(Stdio::from(input)).output().expect("kubeseal starts");
    Run::from(run).succeeds().stdout
}

#[test]
fn every_scope_is_opened_and_kept() {
    let (sandbox, key, other) = (Sandbox::with_local_key(), Key::new(), Key::new());
    sandbox.write("other.pem", &other.private);
    sandbox.write("key.pem", &key.private);
    let seal = ["seal", "-i", "-f", "db.yaml", "--kek", "local"];
    let keys = ["--sealed-secrets-key", "other.pem", "--sealed-secrets-key", "key.pem"];
    for (scope, ours) in
        [("strict", "strict"), ("namespace-wide", "namespace"), ("cluster-wide", "cluster")]
    {
        for format in ["yaml", "json"] {
            let text = kubeseal(&sandbox, &key, PLAIN, &["--scope", scope, "-o", format]);
            sandbox.write(
                "db.yaml",
                format!("{}{text}", if format == "yaml" { "# mine\n" } else { "" }),
            );
            sandbox.run([&seal[..], &keys].concat()).succeeds();
            let sealed = sandbox.read("db.yaml");
            assert!(!sealed.contains("SealedSecret") && !sealed.contains("bitnami"), "{sealed}");
            assert!(format == "json" || sealed.starts_with("# mine\n"), "{sealed}");
            let shown = sandbox.run(["inspect", "-f", "db.yaml"]).succeeds().stdout;
            assert!(shown.contains(ours), "{scope}: {shown}");
            let plain = sandbox.run(["unwrap", "-f", "db.yaml", "-o", "json"]).succeeds().stdout;
            let object: serde_json::Value = serde_json::from_str(&plain).expect("JSON");
            assert_eq!(object["type"], "kubernetes.io/basic-auth");
            assert_eq!(object["metadata"]["labels"]["app"], "web");
            assert_eq!(object["data"]["password"], BASE64_STANDARD.encode("hunter2"));
        }
    }
}

#[test]
fn a_scope_is_for_its_own_secret_and_a_named_one_comes_first() {
    let (sandbox, key) = (Sandbox::with_local_key(), Key::new());
    sandbox.write("key.pem", &key.private);
    let seal = ["seal", "-i", "-f", "db.yaml", "--kek", "local", "--sealed-secrets-key", "key.pem"];
    let text = kubeseal(&sandbox, &key, PLAIN, &["--scope", "cluster-wide", "-o", "yaml"]);
    let scopes = || {
        let shown = sandbox.run(["inspect", "-f", "db.yaml"]).succeeds().stdout;
        (shown.contains("strict"), shown.contains("cluster"))
    };
    // A SealedSecret that names no namespace must not be one for all namespaces.
    let bare = text.replacen("\n  namespace: prod\n", "\n", 1);
    assert_ne!(bare, text);
    for other in [PLAIN, &PLAIN.replace("name: db", "name: web")] {
        sandbox.write("db.yaml", format!("{bare}---\n{other}"));
        sandbox.run(seal).succeeds();
        assert_eq!(scopes(), (true, true));
    }
    // Two objects of one name: nothing says whose scope it is.
    sandbox.write("db.yaml", format!("{text}---\n{PLAIN}"));
    sandbox.run(seal).succeeds();
    assert_eq!(scopes(), (true, false));
    sandbox.write("db.yaml", &text);
    sandbox.run([&seal[..], &["--scope", "strict"]].concat()).succeeds();
    assert_eq!(scopes(), (true, false));
}

#[test]
fn what_does_not_open_says_why() {
    let (sandbox, key) = (Sandbox::with_local_key(), Key::new());
    sandbox.write("key.pem", &key.private);
    sandbox.write("other.yaml", Key::new().secret("k"));
    let text = kubeseal(&sandbox, &key, PLAIN, &["-o", "yaml"]);
    let seal = ["seal", "-f", "-", "--kek", "local"];
    let with = |text: &str, keys: &str| {
        sandbox.pipe(text, [&seal[..], &["--sealed-secrets-key", keys]].concat())
    };
    let error = sandbox.pipe(&text, seal).fails(1);
    assert!(error.starts_with("error: there is no private key to open the SealedSecrets of `-` with\nhint: name a file with `--sealed-secrets-key FILE`"), "{error}");
    let closed = "no key opens the value `password` of the SealedSecret `prod/";
    for (text, keys) in
        [(text.clone(), "other.yaml"), (text.replace("name: db", "name: web"), "key.pem")]
    {
        let error = with(&text, keys).fails(1);
        assert!(error.contains("error: the SealedSecrets of `-` cannot be opened\n"), "{error}");
        assert!(error.contains(closed), "{error}");
    }
    let template =
        text.replace("  template:\n", "  template:\n    data: {url: 'x {{ .password }}'}\n");
    assert_ne!(template, text);
    let error = with(&template, "key.pem").fails(1);
    assert!(error.contains("the value of `url` is made by a template"), "{error}");
    let literal = text.replace("  template:\n", "  template:\n    data: {url: plain}\n");
    let sealed = with(&literal, "key.pem").succeeds().stdout;
    assert_eq!(sandbox.pipe(sealed, ["unwrap", "-f", "-", "url"]).succeeds().stdout, "plain");
    let old = text.replace("spec:\n", "spec:\n  data: AAAA\n");
    let error = with(&old, "key.pem").fails(1);
    assert!(error.contains("has its values in `spec.data`"), "{error}");
    let newer = text.replace("bitnami.com/v1alpha1", "bitnami.com/v2");
    let error = with(&newer, "key.pem").fails(1);
    assert!(
        error.contains("the field `apiVersion` of the SealedSecret is missing or not valid"),
        "{error}"
    );
    sandbox.write("none.txt", "hunter2");
    let error = with(&text, "none.txt").fails(1);
    assert!(
        error.contains("cannot be used\ncause: it holds no private key")
            && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn the_keys_of_the_cluster_stay_in_memory() {
    let (plane, key, old) = (control_plane(), Key::new(), Key::new());
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    for (name, key) in [("old", &old), ("new", &key)] {
        plane.apply(
            &key.secret(name).replace("  name:", &format!("  namespace: {namespace}\n  name:")),
        );
    }
    let first = kubeseal(&sandbox, &old, PLAIN, &["-o", "yaml"]);
    let second = kubeseal(&sandbox, &key, &PLAIN.replace("name: db", "name: web"), &["-o", "yaml"]);
    sandbox.write("both.yaml", format!("{first}---\n{second}"));
    let of = format!("cluster:{namespace}");
    sandbox
        .run(["seal", "-i", "-f", "both.yaml", "--kek", "local", "--sealed-secrets-key", &of])
        .succeeds();
    let plain = sandbox.run(["unwrap", "-f", "both.yaml"]).succeeds().stdout;
    assert_eq!(plain.matches("password: aHVudGVyMg==").count(), 2, "{plain}");
    let empty = format!("cluster:{}", plane.namespace());
    let error = sandbox
        .pipe(first, ["seal", "-f", "-", "--kek", "local", "--sealed-secrets-key", &empty])
        .fails(1);
    assert!(error.contains("hint: save the keys of the controller"), "{error}");
}
