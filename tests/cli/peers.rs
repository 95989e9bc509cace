//! Files of SOPS and Sealed Secrets, without any server: what is refused, and what is never written.
//! The real programs are in `tests/servers/peers`.

use crate::sandbox::{Run, Sandbox};
use crate::terminal::{answer, ends, session};

const VALUE: &str = "hunter2-which-must-not-be-seen";

/// A file as SOPS writes it, under the sandbox's own key.
fn sops(sandbox: &Sandbox, name: &str) -> String {
    let literal = format!("--from-literal=password={VALUE}");
    let create = ["create", name, "-n", "prod", "--kek", "local", "--dry-run=client", "-oyaml"];
    let sealed = sandbox.run(create.into_iter().chain([&*literal])).succeeds().stdout;
    sandbox.pipe(sealed, ["unwrap", "-f", "-", "-o", "sops"]).succeeds().stdout
}

fn seal(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["seal", "--kek", "local", "-f", "db.yaml"].iter().chain(args))
}

/// Refused with this cause or error and this hint, and the file is as it was.
#[track_caller]
fn refused(sandbox: &Sandbox, text: &str, args: &[&str], why: &str, hint: &str) {
    sandbox.write("db.yaml", text);
    let error = seal(sandbox, &[&["-i"], args].concat()).fails(1);
    assert!(error.contains(why), "{error}");
    assert!(error.contains(&format!("hint: {hint}")), "{error}");
    assert!(!error.contains(VALUE), "{error}");
    assert_eq!(sandbox.read("db.yaml"), text);
}

#[test]
fn a_sops_file_comes_back_from_its_own_export() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    assert!(
        !text.contains(VALUE) && text.contains("encrypted_regex: ^(data|stringData)$"),
        "{text}"
    );
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        sandbox.write("db.yaml", &text);
        seal(&sandbox, &["-i"]).succeeds();
        let sealed = sandbox.read("db.yaml");
        assert!(!sealed.contains("sops") && !sealed.contains("ENC["), "{sealed}");
        assert_eq!(sealed.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        assert_eq!(sealed.contains("\r\n"), text.contains("\r\n"));
        let run = sandbox.run(["unwrap", "-f", "db.yaml", "password"]).succeeds();
        assert_eq!(run.stdout, VALUE);
    }
    let resource =
        sandbox.pipe(&text, ["seal", "-f", "-", "--kek", "local", "--kind", "envcryptsecret"]);
    assert!(resource.succeeds().stdout.contains("kind: EnvcryptSecret"));
}

#[test]
fn what_was_changed_is_refused_and_the_mac_can_be_ignored_aloud() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    let mac = "cause: the MAC of the file does not match: someone changed, added or removed a value without SOPS\n";
    let renamed = text.replace("name: db", "name: web");
    refused(&sandbox, &renamed, &[], mac, "restore an intact copy from Git; if someone edited");
    let run = seal(&sandbox, &["--ignore-mac"]).succeeds();
    assert!(
        run.stderr.contains("warning: the MACs of SOPS files are not checked"),
        "{}",
        run.stderr
    );
    let moved = text.replace("    password:", "    other:");
    let changed =
        "cause: line 8: the value of `data.other` was changed or moved after SOPS encrypted it\n";
    refused(&sandbox, &moved, &["--ignore-mac"], changed, "restore an intact copy from Git");
    let plain = text.replace("\ndata:\n", "\ndata:\n    plain: aGk=\n");
    let plain_value =
        "cause: line 8: `data.plain` must be encrypted by the rule of the file, but it is not\n";
    refused(&sandbox, &plain, &[], plain_value, "encrypt the value with `sops edit FILE`");
}

#[test]
fn what_metadata_cannot_say_is_refused() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    let metadata = |from: &str, to: &str| {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        sandbox.write("db.yaml", changed);
        let error = seal(&sandbox, &[]).fails(1);
        assert!(
            error.starts_with(
                "error: the SOPS file `db.yaml` cannot be opened\ncause: document 1: "
            ),
            "{error}"
        );
        error
    };
    let error = metadata("    mac: ENC", "    not: ENC");
    assert!(error.contains("the `sops` metadata is missing `mac`"), "{error}");
    let rule = "    encrypted_regex: ^(data|stringData)$\n";
    let error = metadata(rule, &format!("{rule}    encrypted_suffix: x\n"));
    assert!(error.contains("several rules"), "{error}");
    let error = metadata(rule, "    encrypted_comment_regex: x\n");
    assert!(
        error.contains(
            "hint: decrypt it with SOPS itself: `sops decrypt FILE | kubectl envcrypt seal -f -`"
        ),
        "{error}"
    );
    let error = metadata(rule, "    encrypted_regex: (\n");
    assert!(error.contains("the regular expression `encrypted_regex`"), "{error}");
    let anchored = text.replace("password: \"ENC", "password: &a \"ENC");
    let error = "cause: it is written in a way that cannot be changed in place\n";
    refused(&sandbox, &anchored, &[], error, "decrypt it with SOPS itself");
}

#[test]
fn a_ciphertext_is_never_sealed_as_a_value() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    let without = &text[..text.find("sops:").expect("metadata")];
    let error = "error: line 8 of `db.yaml` has a value that SOPS encrypted, without the metadata of SOPS\n";
    refused(&sandbox, without, &[], error, "restore the whole file");
    let as_text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\ndata:\n  a: RU5DW0FFUzI1Nl9HQ00sZGF0YTp4XQ==\n";
    let error = "error: the value `a` of the Secret `prod/db` is encrypted by SOPS already\n";
    refused(&sandbox, as_text, &[], error, "restore the whole file");
}

#[test]
fn a_kek_that_is_not_trusted_and_keys_that_have_no_kek_say_so() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    let keys = text.find("    age:").expect("keys")..text.find("    lastmodified").expect("more");
    let with = |list: &str| format!("{}{list}{}", &text[..keys.start], &text[keys.end..]);
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
    let error = format!("cause: this machine does not trust `awskms:///{arn}`\n");
    let hint =
        format!("if you know this KEK, run `kubectl envcrypt kek trust -n prod 'awskms:///{arn}'`");
    let aws =
        with(&format!("    kms: [{{arn: '{arn}', enc: AQI=, role: 'arn:aws:iam::1:role/x'}}]\n"));
    refused(&sandbox, &aws, &[], &error, &hint);
    let address = with(
        "    hc_vault: [{vault_address: 'https://evil.example', engine_path: transit, key_name: k, enc: 'vault:v1:x'}]\n",
    );
    let error = "cause: the file names the Vault server `https://evil.example`, and `VAULT_ADDR` another one\n";
    refused(
        &sandbox,
        &address,
        &[],
        error,
        "if this is your server, set `VAULT_ADDR=https://evil.example`",
    );
    let huawei = with("    hckms: [{key_id: 'r:k', enc: x}]\n");
    sandbox.write("db.yaml", huawei);
    let error = seal(&sandbox, &[]).fails(1);
    assert!(error.contains("cause: there is no KEK for keys of Huawei Cloud KMS\n"), "{error}");
    let wrong = with(
        "    azure_kv: [{vault_url: 'https://evil.example', name: k, version: x, enc: AQI}]\n",
    );
    sandbox.write("db.yaml", wrong);
    let error = seal(&sandbox, &[]).fails(1);
    assert!(error.contains("cause: the name of one of its keys is not valid\n"), "{error}");
}

#[test]
fn nothing_of_a_file_is_written_unless_all_of_it_is_sealed() {
    let sandbox = Sandbox::with_local_key();
    let bad = "apiVersion: v1\nkind: Secret\nmetadata: {name: bad, namespace: prod}\ntype: kubernetes.io/tls\ndata: {a: Yg==}\n";
    let text = format!("{}---\n{bad}", sops(&sandbox, "db"));
    sandbox.write("db.yaml", &text);
    let run = seal(&sandbox, &["-i"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(sandbox.read("db.yaml"), text);
    // A selection of only some of its Secrets would leave the others in plaintext.
    let text = format!("{}---\n{}", sops(&sandbox, "db"), sops(&sandbox, "web"));
    let error =
        "error: only some Secrets of `db.yaml` are selected, but the file opens as a whole\n";
    refused(&sandbox, &text, &["-l", "app=web"], error, "omit `-l`");
    seal(&sandbox, &["-i"]).succeeds();
    assert!(!sandbox.read("db.yaml").contains(VALUE));
}

#[test]
fn another_object_under_sops_is_refused() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db").replace("kind: Secret", "kind: SecretList\nitems: []");
    sandbox.write("db.yaml", &text);
    assert_eq!(seal(&sandbox, &["-i"]).code, Some(1));
    assert_eq!(sandbox.read("db.yaml"), text);
    let text = sops(&sandbox, "db").replace("kind: Secret", "kind: ConfigMap");
    let error = "error: the SOPS file `db.yaml` is not a manifest of a Secret\n";
    refused(&sandbox, &text, &[], error, "pass one value on: `sops decrypt FILE |");
    // In a directory, such a file is skipped.
    let good = sops(&sandbox, "good");
    sandbox.write("all/good.yaml", good);
    sandbox.write("all/db.yaml", &text);
    sandbox.run(["seal", "--kek", "local", "-i", "-f", "all"]).succeeds();
    assert_eq!(sandbox.read("all/db.yaml"), text);
    assert!(sandbox.read("all/good.yaml").contains("envcrypt.dev/sealed"));
}

#[test]
fn a_sealed_secret_where_no_secret_would_be_found_is_refused() {
    let sandbox = Sandbox::with_local_key();
    let item = "- apiVersion: bitnami.com/v1alpha1\n  kind: SealedSecret\n  metadata: {name: a}\n  spec: {encryptedData: {a: AgA=}}\n";
    let list = |head: &str| format!("{head}items:\n{item}");
    let other = list("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecretList\n");
    let error =
        "cause: line 4: the SealedSecret is in a list that is not `apiVersion: v1, kind: List`\n";
    refused(&sandbox, &other, &[], error, "put it into a document of its own");
    let core = list("apiVersion: v1\nkind: List\n");
    let error = "error: there is no private key to open the SealedSecrets of `db.yaml` with\n";
    refused(&sandbox, &core, &[], error, "name a file with `--sealed-secrets-key FILE`");
}

#[test]
fn a_dry_run_opens_nothing() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    sandbox.write("db.yaml", &text);
    let run = seal(&sandbox, &["-i", "--dry-run"]).succeeds();
    assert!(
        run.stderr.contains("files of SOPS and Sealed Secrets, which a dry run does not open: 1"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.read("db.yaml"), text);
}

#[test]
fn check_counts_what_other_programs_encrypted_and_can_report_it() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sops(&sandbox, "db"));
    sandbox.write("ss.yaml", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {encryptedData: {a: AgA=}}\n");
    let run = sandbox.run(["check", "."]).succeeds();
    assert!(run.stderr.contains("note: objects of other programs: 1 under SOPS, 1 SealedSecrets; to report each of them, add `--only-sealed`"), "{}", run.stderr);
    let run = sandbox.run(["check", ".", "--only-sealed"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stdout,
        "db.yaml:1:1: this object is encrypted by SOPS: seal it with `kubectl envcrypt seal -i` [not-sealed]\nss.yaml:1:1: this object is a SealedSecret: seal it with `kubectl envcrypt seal -i` [not-sealed]\n"
    );
    let half = sops(&sandbox, "db").replace("\ndata:\n", "\nstringData:\n    plain: hi\ndata:\n");
    sandbox.write("db.yaml", half);
    let run = sandbox.run(["check", "."]);
    let found = "db.yaml:8:5: the Secret has a plaintext value: `plain`";
    assert!(run.stdout.contains(found), "{}", run.stdout);
}

#[test]
fn a_sops_file_is_written_for_keks_that_are_named_or_the_persons_own() {
    let (sandbox, theirs) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let other = crate::sandbox::own(&theirs);
    let create = [
        "create",
        "db",
        "-n",
        "prod",
        "--kek",
        "local",
        "--kek",
        &other,
        "--generate=a",
        "-w",
        "db.yaml",
    ];
    sandbox.run(create).succeeds();
    // The KEK was named when the Secret was made. Elsewhere only the Secret names it.
    let elsewhere = theirs.write("db.yaml", sandbox.read("db.yaml"));
    let unwrap = ["unwrap", "-f", elsewhere.to_str().expect("UTF-8"), "-o", "sops"];
    let error = theirs.run(unwrap).fails(1);
    assert!(error.contains("error: only the Secret `prod/db` itself names the KEK"), "{error}");
    let named = [&unwrap[..], &["--to", "local"]].concat();
    let text = theirs.run(named).succeeds().stdout;
    assert_eq!(text.matches("recipient: ").count(), 1, "{text}");
    for (args, error) in [
        (&["--to", "local"][..], "`--to` works with `-o sops` only"),
        (&["-o", "sops", "a"], "`-o sops` writes the whole Secret: omit KEY"),
        (
            &["-o", "sops", "--to", "k8skms:///run/x.sock"],
            "SOPS cannot use the KEK `k8skms:///run/x.sock`",
        ),
    ] {
        let run = sandbox.run(["unwrap", "-f", "db.yaml"].iter().chain(args));
        assert!(run.stderr.contains(error), "{}", run.stderr);
    }
}

const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";

/// The same file under a KEK of AWS that this machine does not trust.
fn under_aws(text: &str) -> String {
    let keys = text.find("    age:").expect("keys")..text.find("    lastmodified").expect("more");
    let kms = format!("    kms: [{{arn: '{ARN}', enc: AQI=}}]\n");
    format!("{}{kms}{}", &text[..keys.start], &text[keys.end..])
}

/// Without a place, nothing says which grant is needed.
#[test]
fn a_file_whose_places_are_not_known_uses_no_kek() {
    let sandbox = Sandbox::with_local_key();
    let text = under_aws(&sops(&sandbox, "db"));
    let error = "error: the SOPS file `db.yaml` has an object whose place is not known\n";
    for (from, to) in [("name: db", "name: D_B"), ("namespace: prod", "namespace: Prod")] {
        let text = text.replacen(from, to, 1);
        refused(&sandbox, &text, &[], error, "correct the name and the namespace of this object");
    }
    let none = text.replace("kind: Secret", "kind: SecretList\nitems: []");
    sandbox.write("db.yaml", none);
    let error = seal(&sandbox, &[]).fails(1);
    assert!(error.contains("is not a manifest of a Secret"), "{error}");
}

#[test]
fn a_grant_for_the_default_namespace_does_not_cover_an_encrypted_one() {
    let sandbox = Sandbox::with_local_key();
    let trust = ["kek", "trust", "-n", "default", &*format!("awskms:///{ARN}")];
    sandbox.run(trust).succeeds();
    let text = under_aws(&sops(&sandbox, "db")).replacen(
        "namespace: prod",
        "namespace: ENC[AES256_GCM,x]",
        1,
    );
    let error = format!("cause: this machine does not trust `awskms:///{ARN}`\n");
    refused(&sandbox, &text, &[], &error, "the file encrypts its namespace: if you know this KEK");
}

#[test]
fn each_namespace_that_is_not_trusted_is_in_the_hint() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    let two = text.replacen("namespace: prod", "namespace: dev", 1);
    let text = format!("{}---\n{}", under_aws(&text), under_aws(&two));
    let trust = format!(
        "`kubectl envcrypt kek trust -n dev 'awskms:///{ARN}'` and `kubectl envcrypt kek trust -n prod 'awskms:///{ARN}'`"
    );
    sandbox.write("db.yaml", &text);
    let error = seal(&sandbox, &[]).fails(1);
    assert!(error.contains(&trust), "{error}");
}

#[test]
fn a_secret_that_sops_did_not_encrypt_gets_no_key_of_the_file() {
    let sandbox = Sandbox::with_local_key();
    let plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: plain, namespace: prod}\nstringData: {a: b}\n";
    let text = format!("{}---\n{plain}", sops(&sandbox, "db"));
    sandbox.write("db.yaml", &text);
    let run = sandbox.run(["seal", "-i", "-f", "db.yaml"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(sandbox.read("db.yaml"), text);
    sandbox.write("db.yaml", sops(&sandbox, "db"));
    sandbox.run(["seal", "-i", "-f", "db.yaml"]).succeeds();
}

#[test]
fn plaintext_values_of_a_sops_file_are_refused_unless_they_are_accepted() {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db").replace("^(data|stringData)$", "^data$");
    let text = text.replace("\ndata:\n", "\nstringData:\n    role: admin\ndata:\n");
    let error = "cause: line 8: values of the Secret are not encrypted, so anyone may have put them there: stringData.role\n";
    let hint = "encrypt these values with SOPS; if you know that they are right";
    refused(&sandbox, &text, &["--ignore-mac"], error, hint);
    seal(&sandbox, &["--ignore-mac", "--accept-plain"]).succeeds();
}

#[test]
fn what_sops_encrypted_is_refused_on_standard_input() {
    let sandbox = Sandbox::with_local_key();
    let value = "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]";
    let env = format!("A={value}\nsops_mac={value}\n");
    let binary = format!("{{\"data\": \"{value}\", \"sops\": {{\"mac\": \"x\"}}}}");
    for (input, source) in [
        (&env, ["--from-env-file", "-"]),
        (&binary, ["--from-file", "k=-"]),
        (&binary, ["--from-stdin", "k"]),
        (&sops(&sandbox, "db"), ["--from-stdin", "k"]),
    ] {
        let create = ["create", "db", "-n", "prod", "--kek", "local", "--dry-run=client", "-oyaml"];
        let error = sandbox.pipe(input, create.into_iter().chain(source)).fails(1);
        assert!(error.contains("is encrypted by SOPS\nhint: name the file with"), "{error}");
    }
}

#[test]
fn labels_with_the_name_of_values_are_encrypted_in_a_sops_file() {
    let sandbox = Sandbox::with_local_key();
    let plain = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: prod\n  labels: {data: blue}\nstringData: {a: b}\n";
    let sealed = sandbox.pipe(plain, ["seal", "-f", "-", "--kek", "local"]).succeeds().stdout;
    let text = sandbox.pipe(sealed, ["unwrap", "-f", "-", "-o", "sops"]).succeeds().stdout;
    assert!(text.contains("data: \"ENC[") && !text.contains("blue"), "{text}");
    sandbox.write("db.yaml", text);
    assert!(seal(&sandbox, &[]).succeeds().stdout.contains("blue"));
}

#[test]
fn the_kek_that_sops_cannot_use_is_named() {
    let sandbox = Sandbox::with_local_key();
    let literal = "--from-literal=a=b";
    let create = ["create", "db", "-n", "prod", "--kek", "local", "--dry-run=client", "-oyaml"];
    let sealed = sandbox.run(create.into_iter().chain([literal])).succeeds().stdout;
    let unwrap = ["unwrap", "-f", "-", "-o", "sops", "--to", "local", "--to", "k8skms:///run/x"];
    let error = sandbox.pipe(sealed, unwrap).fails(1);
    assert!(error.contains("SOPS cannot use the KEK `k8skms:///run/x`"), "{error}");
}

#[test]
fn two_identical_files_have_the_same_error() {
    let sandbox = Sandbox::with_local_key();
    let text = under_aws(&sops(&sandbox, "db"));
    sandbox.write("all/a.yaml", &text);
    sandbox.write("all/b.yaml", &text);
    let run = sandbox.run(["seal", "--kek", "local", "-i", "-f", "all"]);
    for name in ["a", "b"] {
        let error = format!("error: the data key of the SOPS file `all/{name}.yaml`");
        assert!(run.stderr.contains(&error), "{}", run.stderr);
    }
}

/// A file under a PGP key, and a program that stands for gpg.
fn with_gpg(script: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::with_local_key();
    let text = sops(&sandbox, "db");
    let bin = sandbox.write(
        "bin/gpg",
        format!("#!/bin/sh\necho run >> {}/ran\n{script}\n", sandbox.work().display()),
    );
    std::fs::set_permissions(&bin, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("the mode");
    let folder = bin.parent().expect("a directory").display().to_string();
    let keys = text.find("    age:").expect("keys")..text.find("    lastmodified").expect("more");
    let pgp = "    pgp: [{fp: ABCD, enc: '-----BEGIN PGP MESSAGE-----'}]\n";
    let text = format!("{}{pgp}{}", &text[..keys.start], &text[keys.end..]);
    (sandbox.env("PATH", format!("{folder}:/usr/bin:/bin")), text)
}

/// A PGP key in a file does not make gpg run.
#[test]
fn gpg_runs_only_if_the_person_allows_it() {
    let (sandbox, text) = with_gpg("");
    let error = "cause: `gpg` may not run for its PGP key\n";
    let hint = "if you trust this file, let `gpg` run with";
    refused(&sandbox, &text, &[], error, hint);
    refused(&sandbox, &text, &["--open-with", &format!("awskms:///{ARN}")], error, hint);
    assert!(!sandbox.work().join("ran").exists());
    let error = seal(&sandbox, &["--open-with-gpg"]).fails(1);
    assert!(error.contains("cause: `gpg` has no key that opens it\n"), "{error}");
    assert!(sandbox.work().join("ran").exists());
}

#[test]
fn the_person_is_asked_once_about_gpg() {
    for (line, runs) in [("n", 0), ("y", 2)] {
        let (sandbox, text) = with_gpg("");
        sandbox.write("all/a.yaml", &text);
        sandbox.write("all/b.yaml", &text);
        let mut p = session(&sandbox, &["seal", "--kek", "local", "-i", "-f", "all"]);
        answer(&mut p, "run `gpg` with your keys for SOPS files that name a PGP key", line);
        ends(p, 1);
        let ran = std::fs::read_to_string(sandbox.work().join("ran")).unwrap_or_default();
        assert_eq!(ran.lines().count(), runs);
    }
}

/// gpg decompresses, so a small message can have any output.
#[test]
fn gpg_is_stopped_when_it_prints_more_than_a_data_key() {
    let (sandbox, text) = with_gpg("exec cat /dev/zero");
    sandbox.write("db.yaml", text);
    let error = seal(&sandbox, &["--open-with-gpg"]).fails(1);
    assert!(error.contains("cause: `gpg` returned more than a data key\n"), "{error}");
}

#[test]
fn each_namespace_is_asked_about_and_one_no_is_enough() {
    for first in ["n", "y"] {
        let sandbox = Sandbox::with_local_key();
        let text = sops(&sandbox, "db");
        let two = text.replacen("namespace: prod", "namespace: dev", 1);
        sandbox.write("db.yaml", format!("{}---\n{}", under_aws(&text), under_aws(&two)));
        let mut p = session(&sandbox, &["seal", "--kek", "local", "-i", "-f", "db.yaml"]);
        answer(&mut p, "dev", first);
        if first == "y" {
            answer(&mut p, "prod", "n");
        }
        let rest = ends(p, 1);
        assert!(rest.contains("does not trust"), "{rest}");
    }
}
