//! The commands of encryption at rest that need no cluster.

use crate::sandbox::{Sandbox, mode};

#[test]
fn a_new_configuration_is_accepted_and_holds_its_key_alone() {
    let sandbox = Sandbox::new();
    for provider in ["kms", "secretbox", "aesgcm", "aescbc"] {
        let file = format!("{provider}.yaml");
        let new = ["at-rest", "config", "new", "--provider", provider, "-w", &file];
        let run = sandbox.run(new).succeeds();
        assert_eq!(run.stdout, format!("written to {file}\n"));
        assert_eq!(mode(&sandbox.work().join(&file)), 0o600);
        let run = sandbox.run(["at-rest", "config", "check", &file]).succeeds();
        assert!(!run.stdout.contains(": error: "), "{}", run.stdout);
        let error = sandbox.run(new).fails(1);
        assert!(error.contains("already exists"), "{error}");
    }
    let text = sandbox.read("kms.yaml");
    assert!(text.contains("endpoint: unix:///run/envcrypt/kms.sock"), "{text}");
}

#[test]
fn what_kube_apiserver_refuses_has_a_line_and_a_rule() {
    let sandbox = Sandbox::new();
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n\
                - resources: [secrets]\n  providers:\n  - identity: {}\n  - kms: {name: vault, endpoint: 'unix:///s', cachesize: 100}\n";
    sandbox.write("seed.yaml", text);
    let run = sandbox.run(["at-rest", "config", "check", "seed.yaml"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains("seed.yaml:7: error: a KMS plugin without `apiVersion` is v1"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.contains("error: kube-apiserver would refuse the configuration: "),
        "{}",
        run.stderr
    );
    let json = sandbox.run(["at-rest", "config", "check", "seed.yaml", "-ojson"]).stdout;
    let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(found[0]["file"], "seed.yaml");
    let error = sandbox.run(["at-rest", "config", "check", "missing.yaml"]).fails(1);
    assert!(error.contains("missing.yaml"), "{error}");
}

#[test]
fn a_configuration_is_sealed_for_git_and_opened_on_a_node() {
    let sandbox = Sandbox::with_local_key();
    let new = ["at-rest", "config", "new", "--provider=secretbox", "-w", "enc.yaml"];
    sandbox.run(new).succeeds();
    let sealed = sandbox.run(["at-rest", "config", "seal", "enc.yaml", "--kek=local"]).succeeds();
    let key = sandbox.read("enc.yaml");
    let key = key.lines().find_map(|line| line.split("secret: ").nth(1)).expect("a key");
    assert!(!sealed.stdout.contains(key));
    sandbox.write("sealed.yaml", &sealed.stdout);
    let open = ["at-rest", "config", "open", "sealed.yaml", "-w", "opened.yaml"];
    sandbox.run(open).succeeds();
    assert_eq!(sandbox.read("opened.yaml"), sandbox.read("enc.yaml"));
    assert_eq!(mode(&sandbox.work().join("opened.yaml")), 0o600);
    // Only a configuration is sealed, and only a configuration is opened.
    sandbox.write("other.yaml", "a: b\n");
    let error = sandbox.run(["at-rest", "config", "seal", "other.yaml", "--kek=local"]).fails(1);
    assert!(error.contains("it is not a valid EncryptionConfiguration"), "{error}");
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    let error = sandbox.run(["at-rest", "config", "open", "db.yaml"]).fails(1);
    assert!(error.contains("`db.yaml` holds no sealed EncryptionConfiguration"), "{error}");
}

#[test]
fn deploy_writes_files_and_says_what_to_do() {
    let sandbox = Sandbox::new();
    let deploy = |more: &[&str]| {
        let fixed = ["at-rest", "deploy", "--cluster-name=prod"];
        sandbox.run(fixed.iter().chain(more))
    };
    let kek = "--kek=gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";
    let run = deploy(&["--for=systemd", kek]).succeeds();
    assert!(run.stdout.contains("\nnext:\n1. "), "{}", run.stdout);
    for line in run.stdout.lines().take_while(|line| !line.is_empty()) {
        assert!(sandbox.work().join(line).is_file(), "{line}");
    }
    let error = deploy(&["--for=systemd", kek]).fails(1);
    assert!(error.contains("error: `envcrypt-kms-systemd` already exists"), "{error}");
    let error = deploy(&["--for=kubeadm", kek]).fails(1);
    assert!(error.contains("`kubeadm` runs the plugin in a pod: give its image"), "{error}");
    assert!(!sandbox.work().join("envcrypt-kms-kubeadm").exists(), "nothing is written");
    let error = deploy(&["--for=kubeadm", kek, "--image=envcrypt-kms:latest"]).fails(1);
    assert!(error.contains("has no digest"), "{error}");
    let error = deploy(&["--for=swarm", kek]).fails(2);
    assert!(error.contains("[possible values: kubeadm, kops"), "{error}");
}

#[test]
fn doctor_counts_what_the_shell_remembers_and_shows_none_of_it() {
    let sandbox = Sandbox::with_local_key();
    let home = sandbox.work().parent().expect("a home").to_owned();
    let history = "kubectl create secret generic db --from-literal=password=hunter2\n";
    std::fs::write(home.join(".bash_history"), history).expect("written");
    let run = sandbox.run(["doctor", "--machine"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("proven   this machine  `"), "{}", run.stdout);
    assert!(run.stdout.contains("has commands with values of Secrets: 1"), "{}", run.stdout);
    assert!(!run.stdout.contains("hunter2"));
}
