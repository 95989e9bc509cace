//! What `deploy` writes, against the files in `tests/deploy/TARGET`.
//!
//! `SNAPSHOTS=overwrite cargo test -p envcrypt-at-rest --test deploy` writes them anew. The test
//! servers check the same files with the code of kubeadm and Kubernetes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use envcrypt_at_rest::deploy::{AppRole, File, Options, Target, Vault, files, steps};
use serde::Deserialize;
use serde_yaml::Value;

const ARN: &str =
    "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const AGE: &str = "age:age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const POD: &str = "node/etc/kubernetes/manifests/envcrypt-kms.yaml";

/// Options that use every part of the files.
fn options() -> Options {
    let mut options = Options::new("prod-eu1", vec![ARN.to_owned(), "hashivault://k8s".to_owned()]);
    options.escrow = vec![AGE.to_owned()];
    let digest = "0123456789abcdef".repeat(4);
    options.image = Some(format!("registry.example.com/envcrypt-kms@sha256:{digest}"));
    options.vault = Some(Vault {
        address: "https://vault.example.com:8200".to_owned(),
        ca: Some("/etc/envcrypt/vault-ca.pem".to_owned()),
        login: Some(AppRole {
            role_id_file: "/etc/envcrypt/role-id".to_owned(),
            secret_id_file: "/etc/envcrypt/secret-id".to_owned(),
        }),
    });
    options.starts_after_apiserver = true;
    options
}

fn made(target: Target) -> Vec<File> {
    files(target, &options()).expect("valid options")
}

/// The files for kubeadm, with options that differ from the usual ones.
fn changed(change: impl FnOnce(&mut Options)) -> Vec<File> {
    let mut options = options();
    change(&mut options);
    files(Target::Kubeadm, &options).expect("valid options")
}

fn content(files: &[File], path: &str) -> String {
    let found = files.iter().find(|file| file.path == path);
    found.unwrap_or_else(|| panic!("{path} is not among the files")).content.clone()
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML")
}

fn numbered(steps: &[String]) -> String {
    let one =
        |(step, number): (&String, u32)| format!("{number}. {}\n", step.replace('\n', "\n   "));
    steps.iter().zip(1..).map(one).collect()
}

/// Every file below a directory, and its text.
fn read(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(read(&path));
        } else {
            let text = std::fs::read_to_string(&path).expect("text");
            found.insert(path, text);
        }
    }
    found
}

fn overwrite(directory: &Path, files: &BTreeMap<PathBuf, String>) {
    let _ = std::fs::remove_dir_all(directory);
    for (path, text) in files {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}

#[test]
fn every_file_and_step_is_as_it_was() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy");
    for target in Target::ALL {
        let directory = root.join(target.name());
        let mut now: BTreeMap<PathBuf, String> = made(target)
            .into_iter()
            .map(|file| (directory.join(file.path), file.content))
            .collect();
        let steps = steps(target, &options()).expect("valid options");
        now.insert(directory.join("steps.txt"), numbered(&steps));
        if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
            overwrite(&directory, &now);
        }
        let then = read(&directory);
        assert_eq!(then.keys().collect::<Vec<_>>(), now.keys().collect::<Vec<_>>(), "{target}");
        for (path, text) in now {
            assert_eq!(then[&path], text, "{}", path.display());
        }
    }
}

/// Every document of a YAML file parses. A file of another kind passes.
fn is_yaml(file: &File) -> bool {
    let is_other = Path::new(&file.path).extension().is_none_or(|kind| kind != "yaml");
    is_other
        || serde_yaml::Deserializer::from_str(&file.content)
            .all(|document| Value::deserialize(document).is_ok_and(|value| !value.is_null()))
}

#[test]
fn every_yaml_file_is_yaml_and_ends_with_one_new_line() {
    for target in Target::ALL {
        for file in made(target) {
            assert!(file.content.ends_with('\n') && !file.content.contains("{{"), "{}", file.path);
            assert!(!file.content.ends_with("\n\n"), "{}", file.path);
            assert!(!file.path.starts_with('/') && !file.path.contains(".."));
            assert!(is_yaml(&file), "{target} {}", file.path);
        }
    }
}

/// The configuration of the plugin, as its reader defines it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code, reason = "it is the schema")]
struct Config {
    cluster: String,
    keks: Vec<Kek>,
    require: u32,
    generation: u32,
    socket: Socket,
    probe: BTreeMap<String, String>,
    outage: BTreeMap<String, String>,
    local_key: BTreeMap<String, String>,
    listen: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Kek {
    Uri(String),
    More(More),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code, reason = "it is the schema")]
struct More {
    kek: String,
    address: Option<String>,
    ca: Option<String>,
    login: Option<BTreeMap<String, BTreeMap<String, String>>>,
    escrow: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Socket {
    path: String,
    mode: String,
    allow_uids: Vec<u32>,
}

fn config(target: Target) -> Config {
    let text = match target {
        Target::Kops => kops().file_assets[0].content.clone(),
        Target::Talos => {
            let patch = content(&made(target), "talos-controlplane-patch.yaml");
            let mut documents = serde_yaml::Deserializer::from_str(&patch);
            let machine = Value::deserialize(documents.next().expect("a document")).expect("YAML");
            machine["machine"]["files"][0]["content"].as_str().expect("a text").to_owned()
        }
        target => content(&made(target), "node/etc/envcrypt/kms.yaml"),
    };
    serde_yaml::from_str(&text).expect("a configuration")
}

#[test]
fn the_configuration_has_the_keks_and_lets_only_the_api_server_connect() {
    for target in Target::ALL {
        let config = config(target);
        assert_eq!(config.cluster, "prod-eu1");
        let [Kek::Uri(aws), Kek::More(vault), Kek::More(escrow)] = &config.keks[..] else {
            panic!("{target}: {:?}", config.keks)
        };
        assert_eq!(aws, ARN);
        assert_eq!((vault.kek.as_str(), vault.escrow), ("hashivault://k8s", None));
        assert_eq!(vault.address.as_deref(), Some("https://vault.example.com:8200"));
        let secret = &vault.login.as_ref().expect("a login")["approle"]["secretIdFile"];
        assert!(secret.ends_with("/secret-id"), "{secret}");
        assert_eq!((escrow.kek.as_str(), escrow.escrow), (AGE, Some(true)));
        assert_eq!(config.socket.mode, "0600");
        let uid = if target == Target::Talos { 65_534 } else { 0 };
        assert_eq!(config.socket.allow_uids, [uid], "{target}");
        assert_eq!(config.listen, "127.0.0.1:9720");
    }
}

#[test]
fn kube_apiserver_calls_the_socket_that_the_plugin_opens() {
    for target in Target::ALL {
        let endpoint = format!("endpoint: unix://{}\n", config(target).socket.path);
        let has_it = made(target).iter().any(|file| file.content.contains(&endpoint));
        assert!(has_it, "{target}: {endpoint}");
    }
}

#[test]
fn the_kms_comes_first_in_the_last_round_and_second_in_the_first() {
    let files = made(Target::Kubeadm);
    for (path, names) in [
        ("node/etc/kubernetes/encryption/config.yaml", ["kms", "identity"]),
        ("first-round.yaml", ["identity", "kms"]),
    ] {
        let config = yaml(&content(&files, path));
        let providers = config["resources"][0]["providers"].as_sequence().expect("a list");
        let name =
            |provider: &Value| provider.as_mapping()?.keys().next()?.as_str().map(str::to_owned);
        assert_eq!(providers.iter().filter_map(name).collect::<Vec<_>>(), names, "{path}");
    }
    let mode = |path: &str| files.iter().find(|file| file.path.ends_with(path)).map(|f| f.mode);
    assert_eq!(mode("encryption/config.yaml"), Some(0o600));
    assert_eq!(mode("kms.yaml"), Some(0o644), "the user of the plugin reads it");
}

/// The part of kOps' `ClusterSpec` (`kops.k8s.io/v1alpha2`) that the fragment uses. This is a test
/// of the schema: no module proxy has the Go module of kOps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KopsCluster {
    spec: KopsSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KopsSpec {
    encryption_config: bool,
    additional_policies: BTreeMap<String, String>,
    file_assets: Vec<FileAsset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FileAsset {
    name: String,
    path: String,
    roles: Vec<String>,
    content: String,
    mode: String,
}

fn kops() -> KopsSpec {
    let text = content(&made(Target::Kops), "kops-cluster-spec.yaml");
    serde_yaml::from_str::<KopsCluster>(&text).expect("a cluster").spec
}

#[test]
fn kops_gets_two_files_and_the_least_policy() {
    let spec = kops();
    assert!(spec.encryption_config);
    for asset in &spec.file_assets {
        assert_eq!(asset.roles, ["ControlPlane"]);
        assert!(!asset.name.is_empty() && asset.mode.starts_with("04"));
        assert!(yaml(&asset.content).is_mapping(), "{}", asset.path);
    }
    assert_eq!(spec.file_assets[1].path, "/etc/kubernetes/manifests/envcrypt-kms.yaml");
    assert_eq!(spec.additional_policies.keys().collect::<Vec<_>>(), ["control-plane"]);
    let policy = yaml(&spec.additional_policies["control-plane"]);
    assert_eq!(policy.as_sequence().map(Vec::len), Some(1), "kOps reads a list of statements");
    assert_eq!(policy[0]["Effect"], yaml("Allow"));
    assert_eq!(policy[0]["Action"], yaml("[kms:Encrypt, kms:Decrypt]"));
    assert_eq!(policy[0]["Resource"][0].as_str(), ARN.strip_prefix("awskms:///"));
    let condition = &policy[0]["Condition"]["StringEquals"];
    assert_eq!(condition["kms:EncryptionContext:envcrypt.dev/cluster"], yaml("prod-eu1"));
}

#[test]
fn one_kek_needs_no_more_than_its_name() {
    const ABSENT: [&str; 6] =
        ["Vault", "LoadCredential", "escrow:", "arn:", "additionalPolicies", "\n\n\n"];
    let uri = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";
    let mut options = options();
    (options.keks, options.escrow, options.vault) = (vec![uri.to_owned()], Vec::new(), None);
    for target in Target::ALL {
        for file in files(target, &options).expect("valid options") {
            let found = ABSENT.iter().find(|word| file.content.contains(**word));
            assert_eq!(found, None, "{target} {}", file.path);
            assert!(is_yaml(&file), "{target} {}", file.path);
        }
        let steps = steps(target, &options).expect("valid options").concat();
        assert!(!steps.contains("Vault") && !steps.contains("aws"), "{target}: {steps}");
    }
}

#[test]
fn an_escrow_key_in_aws_is_only_encrypted_with() {
    let other = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/other";
    let files = changed(|options| options.escrow = vec![other.to_owned()]);
    let policy = yaml(&content(&files, "aws-policy.json"));
    let escrow = &policy["Statement"][1];
    assert_eq!(escrow["Action"], yaml("[kms:Encrypt]"));
    assert_eq!(escrow["Resource"][0].as_str(), other.strip_prefix("awskms:///"));
}

#[test]
fn the_pod_has_no_rights_and_needs_no_api_server() {
    let pod = yaml(&content(&made(Target::Kubeadm), POD));
    let spec = &pod["spec"];
    assert_eq!(spec["hostNetwork"], yaml("true"));
    assert_eq!(spec["dnsPolicy"], yaml("Default"));
    assert_eq!(spec["priorityClassName"], yaml("system-node-critical"));
    assert_eq!(spec["automountServiceAccountToken"], yaml("false"));
    assert_eq!(spec["securityContext"]["runAsUser"], yaml("65532"));
    assert_eq!(spec["securityContext"]["seccompProfile"]["type"], yaml("RuntimeDefault"));
    let container = &spec["containers"][0];
    let security = &container["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], yaml("true"));
    assert_eq!(security["allowPrivilegeEscalation"], yaml("false"));
    assert_eq!(security["capabilities"], yaml("{drop: [ALL]}"));
    let memory = |kind: &str| &container["resources"][kind]["memory"];
    assert!(memory("limits").is_string() && memory("limits") == memory("requests"));
    assert!(container["image"].as_str().is_some_and(|image| image.contains("@sha256:")));
    assert_eq!(container["imagePullPolicy"], yaml("IfNotPresent"));
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], yaml("/livez"));
    assert!(container["readinessProbe"].is_null());
    for volume in spec["volumes"].as_sequence().expect("volumes") {
        assert!(volume["hostPath"]["path"].is_string(), "a ConfigMap needs the API server");
    }
}

#[test]
fn an_api_server_that_is_not_root_has_the_user_of_the_plugin() {
    let mut options = options();
    options.apiserver_uid = Some(998);
    let files = files(Target::Kubeadm, &options).expect("valid options");
    let config = yaml(&content(&files, "node/etc/envcrypt/kms.yaml"));
    assert_eq!(config["socket"]["allowUids"], yaml("[998]"));
    let pod = yaml(&content(&files, POD));
    assert_eq!(pod["spec"]["securityContext"]["runAsUser"], yaml("998"));
    assert_eq!(pod["spec"]["initContainers"][0]["args"][4], yaml("\"998\""));
    let steps = steps(Target::Kubeadm, &options).expect("valid options").concat();
    assert!(steps.contains("install -D -o 998 -m 0600 first-round.yaml"), "{steps}");
    assert!(
        steps.contains("install -D -o 998 -m 0400 secret-id /etc/envcrypt/secret-id"),
        "{steps}"
    );
}

#[test]
fn the_socket_of_another_plugin_is_mounted() {
    let kek = "k8skms:///run/kmsplugin/socket.sock".to_owned();
    let pod = yaml(&content(&changed(|options| options.keks = vec![kek]), POD));
    let mount = &pod["spec"]["containers"][0]["volumeMounts"][2];
    assert_eq!(mount["mountPath"], yaml("/run/kmsplugin"));
    assert_eq!(pod["spec"]["volumes"][2]["name"], mount["name"]);
}

#[test]
fn a_peer_is_replaced_under_its_name_and_its_socket() {
    let files = changed(|options| {
        options.provider = "vault-kms".to_owned();
        options.socket = Some("/opt/vaultkms/kms.sock".to_owned());
        options.resources = vec!["secrets".to_owned(), "*.example.com".to_owned()];
    });
    let config = yaml(&content(&files, "node/etc/kubernetes/encryption/config.yaml"));
    let kms = &config["resources"][0]["providers"][0]["kms"];
    assert_eq!(kms["name"], yaml("vault-kms"));
    assert_eq!(kms["endpoint"], yaml("unix:///opt/vaultkms/kms.sock"));
    assert_eq!(config["resources"][0]["resources"], yaml("[secrets, \"*.example.com\"]"));
    let fragment = content(&files, "kubeadm-cluster-configuration.yaml");
    assert!(fragment.contains("hostPath: /opt/vaultkms\n"), "{fragment}");
}

#[test]
fn no_secret_value_has_a_place_in_a_file() {
    for target in Target::ALL {
        let all: String = made(target).into_iter().map(|file| file.content).collect();
        for word in ["AGE-SECRET-KEY", "VAULT_TOKEN", "token:", "secretId:", "password"] {
            assert!(!all.contains(word), "{target}: {word}");
        }
    }
}
