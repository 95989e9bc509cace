//! The real SOPS, with every kind of key that has a server here.

use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::clouds::{Clouds, GOOGLE_KEK, GOOGLE_KEY};
use crate::fault_proxy::FaultProxy;
use crate::kms::{REGION, kms, with_kms};
use crate::programs::find;
use crate::sandbox::{Run, Sandbox, own};
use crate::vault::{vault, with_vault};

const PLAIN: &str = "# which database\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: prod\ntype: Opaque\nimmutable: true\ndata:\n  password: aHVudGVyMg==\n  empty: \"\"\nstringData:\n  text: |\n    two\n    lines\n";
const VALUES: &str = "^(data|stringData)$";

/// Runs SOPS with the environment of a sandbox, in its work directory.
fn sops(sandbox: &Sandbox, args: &[&str]) -> Run {
    let mut command = Command::new(find("sops"));
    command.env_clear().current_dir(sandbox.work()).args(args);
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let local = sandbox.config().join("identities/local.txt");
    command.env("SOPS_AGE_KEY_FILE", local).stdin(Stdio::null());
    Run::from(command.output().expect("sops starts"))
}

/// Encrypts a file in place.
fn encrypt(sandbox: &Sandbox, name: &str, args: &[&str]) {
    sops(sandbox, &[&["encrypt", "--in-place"], args, &[name]].concat()).succeeds();
}

/// SOPS encrypts, the plugin seals and writes SOPS again, and SOPS decrypts that and checks its MAC.
fn both_ways(sandbox: &Sandbox, args: &[&str], kek: &str) {
    sandbox.write("db.yaml", PLAIN);
    encrypt(sandbox, "db.yaml", &[args, &["--encrypted-regex", VALUES]].concat());
    let encrypted = sandbox.read("db.yaml");
    assert!(encrypted.contains("ENC[") && !encrypted.contains("aHVudGVyMg"), "{encrypted}");
    sandbox.run(["seal", "-i", "-f", "db.yaml", "--allow", "empty", "--kek", kek]).succeeds();
    let sealed = sandbox.read("db.yaml");
    assert!(sealed.starts_with("# which database\napiVersion: v1\nkind: Secret\n"), "{sealed}");
    assert!(!sealed.contains("sops") && !sealed.contains("ENC["), "{sealed}");
    for (key, value) in [("password", "hunter2"), ("empty", ""), ("text", "two\nlines\n")] {
        let run = sandbox.run(["unwrap", "-f", "db.yaml", key]).succeeds();
        assert_eq!(run.stdout, value, "{key}");
    }
    sandbox.run(["unwrap", "-f", "db.yaml", "-o", "sops", "-w", "out.yaml"]).succeeds();
    assert!(!sandbox.read("out.yaml").contains("aHVudGVyMg"));
    let plain = sops(sandbox, &["decrypt", "out.yaml"]).succeeds().stdout;
    let object: serde_json::Value = serde_yaml::from_str(&plain).expect("YAML");
    assert_eq!(object["metadata"]["namespace"], "prod");
    assert_eq!(object["immutable"], true);
    assert_eq!(object["data"]["password"], "aHVudGVyMg==");
    assert_eq!(object["data"]["empty"], "");
    assert_eq!(object["data"]["text"], BASE64_STANDARD.encode("two\nlines\n"));
    // SOPS does check the MAC of what it read.
    let changed = sandbox.read("out.yaml").replace("namespace: prod", "namespace: dev");
    sandbox.write("changed.yaml", changed);
    let run = sops(sandbox, &["decrypt", "changed.yaml"]);
    assert!(run.code != Some(0) && run.stderr.contains("MAC mismatch"), "{}", run.stderr);
    // And so does the plugin.
    sandbox.run(["seal", "-i", "-f", "out.yaml", "--allow", "empty", "--kek", kek]).succeeds();
    let error = sandbox.run(["seal", "-f", "changed.yaml", "--kek", kek]).fails(1);
    assert!(error.contains("cause: the MAC of the file does not match"), "{error}");
}

/// The recipient of a sandbox's own key, as SOPS names it.
fn recipient(sandbox: &Sandbox) -> String {
    own(sandbox).trim_start_matches("age:").to_owned()
}

#[test]
fn age_both_ways() {
    let sandbox = Sandbox::with_local_key();
    both_ways(&sandbox, &["--age", &recipient(&sandbox)], "local");
}

#[test]
fn aws_kms_both_ways_with_the_context_of_sops() {
    let arn = kms().key();
    let sandbox = with_kms(Sandbox::new(), kms().port).env("AWS_REGION", REGION);
    let args = ["--kms", &arn, "--encryption-context", "team:payments"];
    both_ways(&sandbox, &args, &format!("awskms:///{arn}"));
    let context = "context: {\"envcrypt.dev/name\": \"db\", \"envcrypt.dev/namespace\": \"prod\"}";
    sandbox.run(["unwrap", "-f", "db.yaml", "-o", "sops", "-w", "again.yaml"]).succeeds();
    let written = sandbox.read("again.yaml");
    assert!(written.contains(context), "{written}");
}

#[test]
fn vault_both_ways_and_no_token_goes_to_the_server_that_a_file_names() {
    let key = vault().key();
    let sandbox = with_vault(Sandbox::new(), vault().port);
    let transit = format!("{}/v1/transit/keys/{key}", vault().address());
    let kek = format!("hashivault://transit/{key}");
    both_ways(&sandbox, &["--hc-vault-transit", &transit], &kek);
    sandbox.write("elsewhere.yaml", PLAIN);
    encrypt(&sandbox, "elsewhere.yaml", &["--hc-vault-transit", &transit]);
    let text = sandbox.read("elsewhere.yaml").replace(&vault().address(), "http://127.0.0.1:9");
    sandbox.write("elsewhere.yaml", text);
    let error = sandbox.run(["seal", "-f", "elsewhere.yaml", "--kek", &kek]).fails(1);
    assert!(
        error.contains("cause: the file names the Vault server `http://127.0.0.1:9`, and `VAULT_ADDR` another one"),
        "{error}"
    );
}

#[test]
fn google_cloud_kms_both_ways() {
    let clouds = Clouds::start();
    let sandbox = clouds.sandbox(Sandbox::new()).env("SOPS_GCP_KMS_CLIENT_TYPE", "rest");
    both_ways(&sandbox, &["--gcp-kms", GOOGLE_KEY], GOOGLE_KEK);
}

#[test]
fn a_kek_that_only_the_file_names_is_not_used() {
    let (arn, proxy) = (kms().key(), FaultProxy::start(kms().port));
    let sandbox = with_kms(Sandbox::with_local_key(), proxy.port).env("AWS_REGION", REGION);
    sandbox.write("db.yaml", PLAIN);
    encrypt(&sandbox, "db.yaml", &["--kms", &arn, "--encrypted-regex", VALUES]);
    proxy.take();
    let seal = ["seal", "-f", "db.yaml", "--allow", "empty", "--kek", "local"];
    let error = sandbox.run(seal).fails(1);
    assert_eq!(proxy.take().0, [""; 0], "a KMS was asked for nothing");
    let kek = format!("awskms:///{arn}");
    assert!(
        error.starts_with("error: the data key of the SOPS file `db.yaml` cannot be unwrapped\n"),
        "{error}"
    );
    assert!(error.contains(&format!("cause: this machine does not trust `{kek}`\n")), "{error}");
    assert!(
        error.contains(&format!(
            "hint: if you know this KEK, run `kubectl envcrypt kek trust -n prod '{kek}'`"
        )),
        "{error}"
    );
    sandbox.run([&seal[..], &["--open-with", &kek]].concat()).succeeds();
    assert_eq!(proxy.take().0, ["decrypt"]);
    // An alias of the person's own stands for its key.
    kms().alias("peers-alias", &arn);
    sandbox.run(["kek", "trust", "-n", "prod", "awskms:///alias/peers-alias"]).succeeds();
    sandbox.run(seal).succeeds();
    // `--open-with` names the only KEKs that are used.
    let error = sandbox.run([&seal[..], &["--open-with", "local"]].concat()).fails(1);
    assert!(error.contains(&format!("does not trust `{kek}`")), "{error}");
}

#[test]
fn identities_of_sops_open_an_import_and_nothing_else() {
    let theirs = Sandbox::with_local_key();
    let identity =
        std::fs::read_to_string(theirs.config().join("identities/local.txt")).expect("there");
    let file = theirs.write("keys.txt", &identity).display().to_string();
    for (name, value) in [
        ("SOPS_AGE_KEY", identity.clone()),
        ("SOPS_AGE_KEY_FILE", file.clone()),
        ("SOPS_AGE_KEY_CMD", format!("cat '{file}'")),
        ("", String::new()),
    ] {
        let mut sandbox = Sandbox::with_local_key();
        if name.is_empty() {
            let keys = sandbox.config().parent().expect("a directory").join("sops/age");
            std::fs::create_dir_all(&keys).expect("made");
            std::fs::write(keys.join("keys.txt"), &identity).expect("written");
        } else {
            sandbox = sandbox.env(name, value);
        }
        theirs.write("db.yaml", PLAIN);
        encrypt(&theirs, "db.yaml", &["--age", &recipient(&theirs)]);
        sandbox.write("db.yaml", theirs.read("db.yaml"));
        sandbox
            .run(["seal", "-i", "-f", "db.yaml", "--allow", "empty", "--kek", "local"])
            .succeeds();
        let sealed = theirs.sealed(&["a=b"]);
        sandbox.pipe(sealed, ["unwrap", "-f", "-"]).fails(1);
    }
}

#[test]
fn two_of_three_groups_open_and_one_does_not() {
    let (arn, theirs) = (kms().key(), Sandbox::with_local_key());
    let sandbox = with_kms(Sandbox::with_local_key(), kms().port).env("AWS_REGION", REGION);
    let (mine, other) = (recipient(&sandbox), recipient(&theirs));
    sandbox.write(
        ".sops.yaml",
        format!("creation_rules:\n- shamir_threshold: 2\n  key_groups:\n  - age: ['{other}']\n  - kms: [{{arn: '{arn}'}}]\n  - age: ['{mine}']\n"),
    );
    sandbox.write("db.yaml", PLAIN);
    encrypt(&sandbox, "db.yaml", &[]);
    let seal = ["seal", "-f", "db.yaml", "--allow", "empty", "--kek", "local"];
    let error = sandbox.run(seal).fails(1);
    assert!(
        error.contains("cause: 1 of its 3 key groups could be opened, and 2 are needed\n"),
        "{error}"
    );
    sandbox.run(["kek", "trust", "-n", "default", &format!("awskms:///{arn}")]).succeeds();
    sandbox.run(["kek", "trust", "-n", "prod", &format!("awskms:///{arn}")]).succeeds();
    // The namespace is encrypted, so no grant for some namespaces is enough.
    let error = sandbox.run(seal).fails(1);
    assert!(
        error.contains("hint: the file encrypts its namespace: if you know this KEK"),
        "{error}"
    );
    let mine = format!("age:{mine}");
    let kms = format!("awskms:///{arn}");
    let named = [&seal[..], &["--open-with", &kms, "--open-with", &mine]].concat();
    let sealed = sandbox.run(named).succeeds().stdout;
    assert_eq!(
        sandbox.pipe(sealed, ["unwrap", "-f", "-", "password"]).succeeds().stdout,
        "hunter2"
    );
}

#[test]
fn many_documents_json_and_files_put_together() {
    let sandbox = Sandbox::with_local_key();
    let recipient = recipient(&sandbox);
    let second = PLAIN.replace("name: db", "name: web");
    let rules = [
        format!("encrypted_regex: '{VALUES}'"),
        "unencrypted_suffix: _plain".to_owned(),
        "encrypted_suffix: assword".to_owned(),
        "unencrypted_regex: ^(kind|metadata)$".to_owned(),
        format!("encrypted_regex: '{VALUES}'\n  mac_only_encrypted: true"),
    ];
    for rule in rules {
        let config = format!("creation_rules:\n- age: {recipient}\n  {rule}\n");
        sandbox.write(".sops.yaml", config);
        let args = [];
        sandbox.write("one.yaml", format!("{PLAIN}---\n{second}"));
        encrypt(&sandbox, "one.yaml", &args);
        sandbox.write("a.yaml", PLAIN);
        sandbox.write("b.yaml", &second);
        encrypt(&sandbox, "a.yaml", &args);
        encrypt(&sandbox, "b.yaml", &args);
        sandbox.write(
            "cat.yaml",
            format!("{}---\n{}", sandbox.read("a.yaml"), sandbox.read("b.yaml")),
        );
        for file in ["one.yaml", "cat.yaml"] {
            let args = ["seal", "-f", file, "--allow", "empty", "--kek", "local"];
            // One of the rules leaves `stringData` in plaintext.
            let accept = rule.starts_with("encrypted_suffix").then_some("--accept-plain");
            let run = sandbox.run(args.into_iter().chain(accept)).succeeds();
            let plain = sandbox.pipe(run.stdout, ["unwrap", "-f", "-"]).succeeds().stdout;
            assert_eq!(
                plain.matches("password: aHVudGVyMg==").count(),
                2,
                "{file} {rule:?}: {plain}"
            );
        }
    }
    std::fs::remove_file(sandbox.work().join(".sops.yaml")).expect("removed");
    let json = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod", "generation": 1}, "stringData": {"a": "b \" c", "port": 5432, "flag": true}}"#;
    sandbox.write("db.json", json);
    encrypt(&sandbox, "db.json", &["--age", &recipient]);
    sandbox.run(["seal", "-i", "-f", "db.json", "--kek", "local"]).succeeds();
    for (key, value) in [("a", "b \" c"), ("port", "5432"), ("flag", "true")] {
        assert_eq!(sandbox.run(["unwrap", "-f", "db.json", key]).succeeds().stdout, value);
    }
}

#[test]
fn dotenv_and_binary_files_are_sources_of_values() {
    let sandbox = Sandbox::with_local_key();
    let recipient = recipient(&sandbox);
    sandbox.write("db.env", "# not this\nPASSWORD=hunter2\nEMPTY=\nSPACED= a b \n");
    encrypt(&sandbox, "db.env", &["--age", &recipient]);
    sandbox.write("key.bin", b"\x00\xff\x01binary");
    encrypt(&sandbox, "key.bin", &["--age", &recipient]);
    sandbox.write("note.txt", "plain");
    let create = ["create", "db", "-n", "prod", "--kek", "local", "-w"];
    let sources =
        ["--from-env-file=db.env", "--from-file=key.bin", "--from-file=note.txt", "--allow=empty"];
    sandbox.run([&create[..], &["db.yaml"], &sources].concat()).succeeds();
    for (key, value) in
        [("PASSWORD", "hunter2"), ("EMPTY", ""), ("SPACED", " a b "), ("note.txt", "plain")]
    {
        assert_eq!(sandbox.run(["unwrap", "-f", "db.yaml", key]).succeeds().stdout, value, "{key}");
    }
    sandbox.run(["unwrap", "-f", "db.yaml", "key.bin", "-w", "out.bin"]).succeeds();
    let bytes = std::fs::read(sandbox.work().join("out.bin")).expect("there");
    assert_eq!(bytes, b"\x00\xff\x01binary");
    let set = ["set", "-f", "db.yaml", "--from-file=other=key.bin"];
    sandbox.run(set).succeeds();
    sandbox.write("values.yaml", "a: b\n");
    encrypt(&sandbox, "values.yaml", &["--age", &recipient]);
    let error =
        sandbox.run([&create[..], &["x.yaml", "--from-file=values.yaml"]].concat()).fails(1);
    assert!(
        error.contains(
            "error: the SOPS file `values.yaml` does not hold one value\nhint: pass one value on"
        ),
        "{error}"
    );
    let error = sandbox.run(["seal", "-f", "values.yaml", "--kek", "local"]).fails(1);
    assert!(
        error.contains("error: the SOPS file `values.yaml` is not a manifest of a Secret"),
        "{error}"
    );
}

#[test]
fn a_file_without_a_kek_for_it_keeps_its_own_keys_if_they_are_trusted() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", PLAIN);
    encrypt(&sandbox, "db.yaml", &["--age", &recipient(&sandbox)]);
    sandbox.run(["seal", "-i", "-f", "db.yaml", "--allow", "empty"]).succeeds();
    let shown = sandbox.run(["inspect", "-f", "db.yaml"]).succeeds().stdout;
    assert!(shown.contains(&own(&sandbox)), "{shown}");
    let theirs = Sandbox::with_local_key();
    sandbox.write("two.yaml", PLAIN);
    let both = format!("{},{}", recipient(&sandbox), recipient(&theirs));
    encrypt(&sandbox, "two.yaml", &["--age", &both]);
    let error = sandbox.run(["seal", "-f", "two.yaml", "--allow", "empty"]).fails(1);
    assert!(
        error.contains(&format!(
            "error: only the Secret `prod/db` itself names the KEK `{}`",
            own(&theirs)
        )),
        "{error}"
    );
}

/// PGP has no KEK here, so gpg opens it, with the person's own keys.
#[test]
fn pgp_is_opened_with_gpg() {
    let home = tempfile::tempdir().expect("a directory");
    let gpg = |args: &[&str]| {
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", home.path()).args(["--batch", "--quiet"]).args(args);
        Run::from(command.output().expect("gpg starts"))
    };
    let user = "me <me@example.com>";
    let make = ["--passphrase", "", "--quick-generate-key", user, "default", "default", "never"];
    gpg(&make).succeeds();
    let keys = gpg(&["--list-keys", "--with-colons"]).succeeds().stdout;
    let fingerprint = keys.lines().find_map(|line| line.strip_prefix("fpr:::::::::"));
    let fingerprint = fingerprint.expect("a key").trim_end_matches(':').to_owned();
    let theirs = Sandbox::with_local_key();
    let sandbox = Sandbox::with_local_key()
        .env("GNUPGHOME", home.path().display().to_string())
        .env("PATH", "/usr/bin:/bin");
    sandbox.write("db.yaml", PLAIN);
    encrypt(&sandbox, "db.yaml", &["--pgp", &fingerprint, "--age", &recipient(&theirs)]);
    let seal = ["seal", "-f", "db.yaml", "--allow", "empty", "--kek", "local"];
    let with_gpg = [&seal[..], &["--open-with-gpg"]].concat();
    let error = sandbox.run(seal).fails(1);
    assert!(error.contains("cause: `gpg` may not run for its PGP key\n"), "{error}");
    let sealed = sandbox.run(&with_gpg).succeeds().stdout;
    assert_eq!(
        sandbox.pipe(sealed, ["unwrap", "-f", "-", "password"]).succeeds().stdout,
        "hunter2"
    );
    // gpg also prints what nobody encrypted, and decrypts what is for another key than the file says.
    let text = sandbox.read("db.yaml");
    let enc = text.find("-----BEGIN PGP MESSAGE-----").expect("a message");
    let end = enc + text[enc..].find("-----END PGP MESSAGE-----").expect("its end");
    let key = sandbox.write("key.bin", [7; 32]).display().to_string();
    let stored = gpg(&["--armor", "--output", "-", "--store", &key]).succeeds().stdout;
    let stored = stored.replace("-----END PGP MESSAGE-----\n", "").replace('\n', "\n            ");
    let none = "cause: `gpg` has no key that opens it\n";
    for changed in [
        format!("{}{stored}{}", &text[..enc], &text[end..]),
        text.replace(&fingerprint, &"A".repeat(40)),
    ] {
        sandbox.write("forged.yaml", changed);
        let seal = ["seal", "-f", "forged.yaml", "--kek", "local", "--open-with-gpg"];
        let error = sandbox.run(seal).fails(1);
        assert!(error.contains(none), "{error}");
    }
    theirs.write("db.yaml", sandbox.read("db.yaml"));
    theirs.run(seal).succeeds();
    let stranger = Sandbox::with_local_key().env("PATH", "/usr/bin:/bin");
    stranger.write("db.yaml", sandbox.read("db.yaml"));
    let error = stranger.run(with_gpg).fails(1);
    assert!(error.contains("cause: `gpg` has no key that opens it\n"), "{error}");
    Command::new("gpgconf").env("GNUPGHOME", home.path()).args(["--kill", "all"]).status().ok();
}
