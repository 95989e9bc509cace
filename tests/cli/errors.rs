//! Wrong input of every kind: one error, as designed, nothing on standard output.

use crate::sandbox::Sandbox;
use snapbox::{assert_data_eq, str};

/// Runs `create db …` without a cluster and returns its error.
fn create(sandbox: &Sandbox, args: &[&str]) -> String {
    let fixed = ["-n", "prod", "--kek", "local", "--dry-run=client", "-oyaml"];
    sandbox.run(["create"].iter().chain(args).chain(&fixed)).fails(1)
}

#[test]
fn names_keys_and_metadata() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        create(&sandbox, &["Db", "--generate=a"]),
        str![[r#"
error: `Db` is not a valid name for a Secret: use at most 253 lower-case letters, digits, `-` and `.`, and start and end with a letter or digit

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--generate=a", "--type=a b"]),
        str![[r#"
error: `a b` is not a valid type for a Secret

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--from-stdin=a/b"]),
        str![[r#"
error: `a/b` is not a valid key: use at most 253 letters, digits, `-`, `_` and `.`; the key must not be `.` or start with `..`

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--generate=a", "--labels=a=b c"]),
        str![[r#"
error: `b c` is not a valid value for a label: use at most 63 letters, digits, `-`, `_` and `.`

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--generate=a", "--annotations=envcrypt.dev/seal=x"]),
        str![[r#"
error: `envcrypt.dev/seal` is reserved: it cannot be set

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--generate=a", "--from-literal=a=b"]),
        str![[r#"
warning: values of `--from-literal` are now in the shell history, and were visible in the process list
error: the key `a` is given twice

"#]]
    );
    let args = ["create", "db", "--generate=a", "--kek=local", "--dry-run=client", "-nA"];
    assert_data_eq!(
        sandbox.run(args).fails(1),
        str![[r#"
error: `A` is not a valid namespace: use at most 63 lower-case letters, digits and `-`, and start and end with a letter or digit

"#]]
    );
}

#[test]
fn sources() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.env", "ok=1\nhunter two=x\n");
    sandbox.write("a b", "x");
    sandbox.write("folder/a b", "x");
    assert_data_eq!(
        create(&sandbox, &["db", "--from-file=gone"]),
        str![[r#"
error: `gone` cannot be read: No such file or directory (os error 2)

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--from-file=a b"]),
        str![[r#"
error: the name of the file `a b` is not a valid key of a Secret
hint: name the key: `--from-file=KEY=FILE`

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--from-file=folder"]),
        str![[r#"
error: the name of the file `folder/a b` is not a valid key of a Secret
hint: name the key: `--from-file=KEY=FILE`

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--from-env-file=bad.env"]),
        str![[r#"
error: the env file `bad.env` cannot be used: line 2: the text before `=` is not a valid key
hint: write each line as KEY=VALUE, without quotes

"#]]
    );
}

#[test]
fn what_may_be_a_value_is_never_quoted() {
    let sandbox = Sandbox::with_local_key();
    for args in [
        &["db", "password=hunter2"][..],
        &["db", "--from-literal=hunter2/=x"],
        &["db", "--generate=password=hunter2"],
        &["db", "--generate=password=8:hunter2"],
    ] {
        let fixed = ["-nprod", "--kek=local", "--dry-run=client"];
        let error = sandbox.run(["create"].iter().chain(args).chain(&fixed)).fails(2);
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn standard_input_serves_one_value() {
    let sandbox = Sandbox::with_local_key();
    let docker = ["--type=docker-registry", "--docker-username=u", "--docker-password-stdin"];
    for args in [
        &["--from-stdin=a", "--from-stdin=b"][..],
        &[&docker[..], &["--from-file=a=-"]].concat(),
        &["--type=tls", "--cert=-", "--key=-"],
        &docker,
    ] {
        let fixed = ["create", "db", "-nprod", "--kek=local", "--dry-run=client"];
        let error = sandbox.run(fixed.iter().chain(args)).fails(2);
        assert!(error.contains("standard input"), "{error}");
    }
}

#[test]
fn types() {
    let sandbox = Sandbox::new();
    sandbox.write("x.pem", "nonsense");
    assert_data_eq!(
        create(&sandbox, &["db", "--type=tls", "--cert=x.pem", "--key=x.pem"]),
        str![[r#"
error: the certificate and the private key cannot be used: the certificate is not PEM

"#]]
    );
    assert_data_eq!(
        create(
            &sandbox,
            &["db", "--type=docker-registry", "--from-literal=.dockerconfigjson=hunter2"]
        ),
        str![[r#"
warning: values of `--from-literal` are now in the shell history, and were visible in the process list
error: the value of `.dockerconfigjson` is not valid for the type `kubernetes.io/dockerconfigjson`: it is not a JSON object

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--type=kubernetes.io/dockercfg", "--from-literal=a=b"]),
        str![[r#"
warning: values of `--from-literal` are now in the shell history, and were visible in the process list
error: a Secret of type `kubernetes.io/dockercfg` needs `.dockercfg`

"#]]
    );
}

#[test]
fn nobody_to_ask() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        create(&sandbox, &["db", "password"]),
        str![[r#"
error: there is no terminal to prompt for `password`
hint: without a terminal, use `--from-stdin`, `--from-file` or `--generate`

"#]]
    );
    assert_data_eq!(
        create(&sandbox, &["db", "--type=basic-auth"]),
        str![[r#"
error: there is no terminal to prompt for `username`
hint: without a terminal, use `--from-stdin`, `--from-file` or `--generate`

"#]]
    );
}

#[test]
fn usage() {
    let sandbox = Sandbox::with_local_key();
    let fails = |args: &[&str]| sandbox.run(args).fails(2);
    assert_data_eq!(
        fails(&["create", "db", "-nprod", "--dry-run=client"]),
        str![[r#"
error: no key is named, and there is no terminal for a prompt: use `--from-stdin`, `--from-file` or `--generate`

"#]]
    );
    assert_data_eq!(
        fails(&["create", "db", "-nprod", "--from-literal=hunter2"]),
        str![[r#"
warning: values of `--from-literal` are now in the shell history, and were visible in the process list
error: `--from-literal` takes KEY=VALUE

"#]]
    );
    assert_data_eq!(
        fails(&["create", "db", "-nprod", "--from-file=a=b=c"]),
        str![[r#"
error: `--from-file=a=b=c`: neither KEY nor FILE can contain `=`

"#]]
    );
    assert_data_eq!(
        fails(&["create", "db", "-nprod", "--from-file=a=-", "--from-stdin=b"]),
        str![[r#"
error: standard input can be used for one value only

"#]]
    );
    assert_data_eq!(
        fails(&["create", "db", "-nprod", "--generate=a=0"]),
        str![[r#"
error: `--generate`: the length of a generated value must be a number from 1 to 4096

"#]]
    );
    assert_data_eq!(
        fails(&["unwrap"]),
        str![[r#"
error: name a Secret, or files with `-f`

"#]]
    );
    assert_data_eq!(
        fails(&["apply"]),
        str![[r#"
error: name files with `-f`

"#]]
    );
    assert_data_eq!(
        fails(&["unwrap", "-f", "https://x.example/db.yaml"]),
        str![[r#"
error: `-f` does not accept a URL: run `curl -L https://x.example/db.yaml` and pipe the output to `-f -`

"#]]
    );
    assert_data_eq!(
        fails(&["create", "db", "a", "--scope=wide"]),
        str![[r#"
error: invalid value 'wide' for '--scope <SCOPE>': `wide` is not a valid scope: use `strict`, `namespace` or `cluster`

For more information, try '--help'.

"#]]
    );
}

#[test]
fn keks() {
    let sandbox = Sandbox::new();
    let create = |kek: &[&str]| {
        let fixed = ["create", "db", "--generate=a", "-nprod", "--dry-run=client"];
        // A slip in what was typed is wrong usage; a key that is not there is not.
        let is_slip = !kek.is_empty() && kek != ["--kek=age:age1notone"];
        sandbox.run(fixed.iter().chain(kek)).fails(if is_slip { 2 } else { 1 })
    };
    assert_data_eq!(
        create(&[]),
        str![[r#"
error: there is no KEK to seal with
hint: name a KEK with `--kek`, `ENVCRYPT_KEK` or a rule in `.envcrypt.yaml`; to create a local key, run `kubectl envcrypt kek new`, then use `--kek local`

"#]]
    );
    assert_data_eq!(
        create(&["--kek=file:///x"]),
        str![[r#"
error: `--kek`: `file:///x` is not a valid KEK: start with `local`, `age:`, `awskms:///`, `gcpkms://`, `azurekms://`, `hashivault://` or `k8skms:///`

"#]]
    );
    assert_data_eq!(
        create(&["--kek=awskms://host/alias/x"]),
        str![[r#"
error: `--kek`: `awskms://host/alias/x` is not a valid KEK: start with `local`, `age:`, `awskms:///`, `gcpkms://`, `azurekms://`, `hashivault://` or `k8skms:///`

"#]]
    );
    assert_data_eq!(
        create(&["--kek=age:age1notone"]),
        str![[r#"
error: cannot wrap the data key with `age:age1notone`: no such key
cause: it is not a valid age recipient

"#]]
    );
    assert_data_eq!(
        create(&["--kek=gcpkms://projects/p"]),
        str![[r#"
error: `--kek`: `gcpkms://projects/p` is not a valid KEK: `projects/P/locations/L/keyRings/R/cryptoKeys/K` must follow `gcpkms://`, without a version

"#]]
    );
    assert_data_eq!(
        create(&["--kek=azurekms://evil.example/key"]),
        str![[r#"
error: `--kek`: `azurekms://evil.example/key` is not a valid KEK: `HOST/KEY` or `HOST/KEY/VERSION` must follow `azurekms://`, with a host in a domain of Azure such as `NAME.vault.azure.net`

"#]]
    );
    assert_data_eq!(
        create(&["--kek=hashivault:///key"]),
        str![[r#"
error: `--kek`: `hashivault:///key` is not a valid KEK: `KEY` or `MOUNT/KEY` must follow `hashivault://`

"#]]
    );
    assert_data_eq!(
        create(&["--kek=k8skms://plugin.sock"]),
        str![[r#"
error: `--kek`: `k8skms://plugin.sock` is not a valid KEK: start with `local`, `age:`, `awskms:///`, `gcpkms://`, `azurekms://`, `hashivault://` or `k8skms:///`

"#]]
    );
    assert_data_eq!(
        sandbox.run(["kek", "test", "local"]).fails(1),
        str![[r#"
error: there is no local key
hint: `kubectl envcrypt kek new` creates one for new Secrets; to open what another machine sealed, copy its identity file into the directory `identities` of your configuration

"#]]
    );
}

#[test]
fn the_cluster_that_is_not_there() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("broken.yaml", "users: [{name: a, user: {token: 5hunter2");
    let fails = |args: &[&str]| sandbox.run(args).fails(1);
    let create = ["create", "db", "--generate=a", "--kek=local"];
    assert_data_eq!(
        fails(&create),
        str![[r#"
error: no cluster is configured
hint: name a kubeconfig with `--kubeconfig` or `KUBECONFIG`; to work on files instead, most commands take `-f FILE`, and `create` takes `-w FILE`

"#]]
    );
    assert_data_eq!(
        fails(&[&create[..], &["--kubeconfig=gone"]].concat()),
        str![[r#"
error: the kubeconfig `gone` cannot be used: No such file or directory (os error 2)

"#]]
    );
    assert_data_eq!(
        fails(&[&create[..], &["--kubeconfig=broken.yaml"]].concat()),
        str![[r#"
error: the kubeconfig `broken.yaml` cannot be used: it is not a valid kubeconfig

"#]]
    );
    let offline = sandbox.run([
        "create",
        "db",
        "--generate=a",
        "--kek=local",
        "--context=gone",
        "--dry-run=client",
    ]);
    assert!(offline.fails(1).contains("the context `gone` does not exist"));
    assert_data_eq!(
        fails(&[&create[..], &["--context=gone"]].concat()),
        str![[r#"
error: the context `gone` does not exist
hint: run `kubectl config view` to see what exists

"#]]
    );
    // Nothing listens on port 1.
    assert_data_eq!(
        fails(&[&create[..], &["--server=https://127.0.0.1:1"]].concat()),
        str![[r#"
error: the API server at `https://127.0.0.1:1` does not answer: Connection refused (os error 111)
hint: run `kubectl cluster-info` to see whether kubectl reaches it

"#]]
    );
}

#[test]
fn manifests() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    let fails = |text: &str| sandbox.pipe(text, ["unwrap", "-f", "-"]).fails(1);
    assert_data_eq!(
        fails(""),
        str![[r#"
error: there is no sealed Secret in `-`

"#]]
    );
    assert_data_eq!(
        fails("hunter2: ["),
        str![[r#"
error: `-` cannot be used: line 2, column 1: it is not valid YAML or JSON

"#]]
    );
    assert_data_eq!(
        fails("hunter2"),
        str![[r#"
error: `-` cannot be used: document 1 is not a Kubernetes object: `apiVersion` or `kind` is missing

"#]]
    );
    assert_data_eq!(
        fails("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: aHVudGVyMg==}\n"),
        str![[r#"
error: `-` cannot be used: the Secret `a` is not sealed
hint: this command needs a sealed Secret, of type `envcrypt.dev/sealed`; run `kubectl envcrypt seal` to create one

"#]]
    );
    assert_data_eq!(
        fails(&sealed.replace("  a: ", "  b: ")),
        str![[r#"
error: `b` of the Secret `prod/db` cannot be opened: it was sealed for `prod/db a`
hint: it was moved or renamed after it was sealed; seal it for its new place, or with a wider `--scope`

"#]]
    );
    assert_data_eq!(
        fails(&sealed.replace("  a: ", "  a: '*'\n  b: ")),
        str![[r#"
error: `-` cannot be used: `a` of the Secret `prod/db` is not valid base64

"#]]
    );
    assert_data_eq!(
        fails(&format!("{sealed}stringData:\n  b: hunter2\n")),
        str![[r#"
error: `-` cannot be used: the sealed Secret `prod/db` has plaintext values in `stringData`
hint: remove the plaintext from the Secret and treat it as compromised; then set new values with `kubectl envcrypt set`

"#]]
    );
    let applied = "    kubectl.kubernetes.io/last-applied-configuration: '{\"data\":{\"a\":\"aHVudGVyMg==\"}}'\n";
    assert_data_eq!(
        fails(&sealed.replace("annotations:\n", &format!("annotations:\n{applied}"))),
        str![[r#"
error: `-` cannot be used: the sealed Secret `prod/db` has plaintext values in its annotation `kubectl.kubernetes.io/last-applied-configuration`
hint: remove the plaintext from the Secret and treat it as compromised; then set new values with `kubectl envcrypt set`

"#]]
    );
    let other_key = sandbox.pipe(&sealed, ["unwrap", "-f", "-", "gone"]).fails(1);
    assert_data_eq!(
        other_key,
        str![[r#"
error: the Secret `prod/db` has no key `gone`

"#]]
    );
    let other_namespace = sandbox.pipe(&sealed, ["unwrap", "-f", "-", "-ndev"]).fails(1);
    assert_data_eq!(
        other_namespace,
        str![[r#"
error: the Secret `prod/db` is not in the namespace `dev`, which `-n` names
hint: omit `-n`, or name the Secret's own namespace

"#]]
    );
}

#[test]
fn configuration() {
    let sandbox = Sandbox::with_local_key();
    let create =
        || sandbox.run(["create", "db", "--generate=a", "-nprod", "--dry-run=client"]).fails(1);
    sandbox.write(".envcrypt.yaml", "rules: [{kek: x}]");
    let error = create();
    assert!(
        error.starts_with("error: `")
            && error.contains(".envcrypt.yaml` is not a valid configuration: "),
        "{error}"
    );
    assert!(error.contains("it is not a rule: `keks`, and any of `namespace`, "), "{error}");
    sandbox.write(".envcrypt.yaml", "clusters:\nhunter2: 1\n");
    let error = create();
    assert!(
        error.contains("line 2, column 1: it is not one of the fields `rules` and `clusters`"),
        "{error}"
    );
    sandbox.write(".envcrypt.yaml", "rules: [{keks: ['awskms:///alias/theirs']}]");
    let error = create();
    assert!(
        error.contains(
            "names a KEK that this machine may not seal to in `prod`: `awskms:///alias/theirs`\nhint: "
        ),
        "{error}"
    );
    std::fs::write(sandbox.config().join("trusted-keks"), "nonsense\n").expect("written");
    assert!(
        create().contains("trusted-keks`, line 1: it is not `open|seal|open,seal NAMESPACE KEK`")
    );
}
