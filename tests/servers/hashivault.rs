//! The transit engine of Vault and OpenBao as a KEK.

use std::time::Duration;

use crate::control_plane::control_plane;
use crate::fault_proxy::{Fault, FaultProxy};
use crate::sandbox::{Run, Sandbox};
use crate::sealed::{self, create, sealed_under};
use crate::vault::{self, vault, with_vault};

fn sandbox() -> Sandbox {
    with_vault(Sandbox::new(), vault().port)
}

fn behind_proxy() -> (Sandbox, FaultProxy) {
    let proxy = FaultProxy::start(vault().port);
    (with_vault(Sandbox::new(), proxy.port), proxy)
}

fn key() -> (String, String) {
    let key = vault().key();
    (format!("hashivault://{key}"), key)
}

fn unwrap(sandbox: &Sandbox, yaml: &str) -> Run {
    sandbox.pipe(yaml, ["unwrap", "-f", "-"])
}

#[test]
fn it_seals_and_opens_with_one_call_each_and_stores_vaults_own_text() {
    let (kek, key) = key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = create(&sandbox, &[&kek], 20).succeeds().stdout;
    assert_eq!(proxy.take().0, ["encrypt"]);
    unwrap(&sandbox, &yaml).succeeds();
    assert_eq!(proxy.take().0, ["decrypt"]);
    let kid = &sealed::value(&yaml, "key0")["recipients"][0]["header"]["kid"];
    assert_eq!(kid, &format!("hashivault://transit/{key}"));
    assert!(sealed::wrapped(&yaml, "key0").starts_with(b"vault:v1:"));
    // Both names are one key.
    let stranger = self::sandbox();
    unwrap(&stranger, &yaml).fails(1);
    stranger.run(["kek", "trust", "-nprod", &kek]).succeeds();
    unwrap(&stranger, &yaml).succeeds();
}

#[test]
fn another_mount_is_named_in_the_uri() {
    vault().bao(["secrets", "enable", "-path=team/keys", "transit"]).succeeds();
    vault().bao(["write", "-f", "team/keys/keys/k"]).succeeds();
    let sandbox = sandbox();
    let yaml = sealed_under(&sandbox, &["hashivault://team/keys/k"]);
    unwrap(&sandbox, &yaml).succeeds();
}

#[test]
fn the_context_is_authenticated() {
    let (kek, key) = key();
    let sandbox = sandbox();
    let yaml = sealed_under(&sandbox, &[&kek]);
    let ciphertext = String::from_utf8(sealed::wrapped(&yaml, "key0")).expect("text");
    let decrypt = |context: &str| {
        vault().bao([
            "write",
            &format!("transit/decrypt/{key}"),
            &format!("ciphertext={ciphertext}"),
            &format!("associated_data={context}"),
        ])
    };
    // {"envcrypt.dev/name":"db","envcrypt.dev/namespace":"prod"}
    decrypt("eyJlbnZjcnlwdC5kZXYvbmFtZSI6ImRiIiwiZW52Y3J5cHQuZGV2L25hbWVzcGFjZSI6InByb2QifQ==")
        .succeeds();
    assert_ne!(decrypt("e30=").code, Some(0));
    let tampered = sealed::change_wrapped(&yaml, |bytes| *bytes.last_mut().expect("bytes") ^= 2);
    let error = unwrap(&sandbox, &tampered).fails(1);
    assert!(error.contains("this key did not wrap it"), "{error}");
}

#[test]
fn a_rotated_key_opens_until_its_old_versions_are_not_allowed_any_more() {
    let (kek, key) = key();
    let sandbox = sandbox();
    let yaml = sealed_under(&sandbox, &[&kek]);
    vault().bao(["write", "-f", &format!("transit/keys/{key}/rotate")]).succeeds();
    unwrap(&sandbox, &yaml).succeeds();
    assert!(sealed::wrapped(&sealed_under(&sandbox, &[&kek]), "key0").starts_with(b"vault:v2:"));
    let config = format!("transit/keys/{key}/config");
    vault().bao(["write", &config, "min_decryption_version=2"]).succeeds();
    let error = unwrap(&sandbox, &yaml).fails(1);
    assert!(error.contains("the key is disabled"), "{error}");
    assert!(error.contains("`min_decryption_version`"), "{error}");
}

#[test]
fn a_policy_decides_and_says_what_is_missing() {
    let (kek, key) = key();
    let token = vault().token(&[format!("transit/encrypt/{key}")]);
    let sealer = sandbox().env("VAULT_TOKEN", token);
    let yaml = sealed_under(&sealer, &[&kek]);
    let error = unwrap(&sealer, &yaml).fails(1);
    assert!(error.contains("access denied"), "{error}");
    assert!(error.contains(&format!("`update` on `transit/decrypt/{key}`")), "{error}");
    let token = vault().token(&[format!("transit/decrypt/{key}")]);
    let opener = sandbox().env("VAULT_TOKEN", token).env("ENVCRYPT_KEK", &kek);
    unwrap(&opener, &yaml).succeeds();
    assert!(create(&opener, &[&kek], 1).fails(1).contains("access denied"));
}

#[test]
fn each_refusal_is_one_clear_error() {
    let (kek, key) = key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = sealed_under(&sandbox, &[&kek]);
    for (fault, why, hint) in [
        (Fault::Error(403, "permission denied"), "access denied", "`vault token lookup`"),
        (Fault::Error(403, "invalid token"), "no valid login", "`vault login`"),
        (Fault::Error(404, "no handler for route"), "no such key", "`vault list transit/keys`"),
        (Fault::Error(429, "too many requests"), "too many requests", "quota of the server"),
        (Fault::Error(503, "Vault is sealed"), "the KMS does not answer", "`vault status`"),
        (Fault::HangUp, "the KMS does not answer", "`VAULT_ADDR`"),
    ] {
        proxy.always(fault.clone());
        let error = unwrap(&sandbox, &yaml).fails(1);
        let cause =
            format!("cause: cannot unwrap the data key with `hashivault://transit/{key}`: {why}\n");
        assert!(error.contains(&cause) && error.contains(hint), "{fault:?}: {error}");
    }
}

#[test]
fn what_passes_is_tried_again() {
    let (kek, _) = key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = sealed_under(&sandbox, &[&kek]);
    for fault in [Fault::Error(429, "x"), Fault::Error(503, "x"), Fault::HangUp] {
        proxy.take();
        proxy.next([fault.clone(), fault.clone()]);
        unwrap(&sandbox, &yaml).succeeds();
        assert_eq!(proxy.take().0.len(), 3, "{fault:?}");
    }
}

/// Secrets with a data key each, in one file.
fn many(sandbox: &Sandbox, kek: &str, count: usize) -> String {
    let yaml = sealed_under(sandbox, &[kek]);
    for index in 0..count {
        sandbox.write(&format!("deploy/{index:04}.yaml"), &yaml);
    }
    sandbox.run(["rotate", "-f", "deploy"]).succeeds();
    let read = |index| sandbox.read(&format!("deploy/{index:04}.yaml"));
    (0..count).map(read).collect::<Vec<_>>().join("---\n")
}

#[test]
fn many_data_keys_share_a_call() {
    let (kek, _) = key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = many(&sandbox, &kek, 1000);
    proxy.take();
    let plain = unwrap(&sandbox, &yaml).succeeds().stdout;
    assert_eq!(plain.matches("kind: Secret").count(), 1000);
    let calls = proxy.take().0;
    assert!(calls.len() <= 50, "{} calls", calls.len());
    assert!(calls.iter().all(|call| call == "decrypt"), "{calls:?}");
}

#[test]
fn one_that_does_not_open_fails_alone() {
    let (kek, key) = key();
    let (sandbox, proxy) = behind_proxy();
    many(&sandbox, &kek, 20);
    let last = |bytes: &mut Vec<u8>| *bytes.last_mut().expect("bytes") ^= 2;
    let bad = sealed::change_wrapped(&sandbox.read("deploy/0007.yaml"), last);
    sandbox.write("deploy/0007.yaml", bad);
    proxy.take();
    let run = sandbox.run(["rotate", "-f", "deploy"]);
    assert_eq!(run.stdout.matches(" rotated").count(), 19, "{}{}", run.stdout, run.stderr);
    let why = format!("`hashivault://transit/{key}`: this key did not wrap it");
    assert_eq!(run.stderr.matches(&why).count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("1 of 20 failed"), "{}", run.stderr);
    let calls = proxy.take().0;
    let decrypts = calls.iter().filter(|call| *call == "decrypt").count();
    assert!(decrypts < 10, "{calls:?}");
}

/// A sandbox whose policy names the parameters that it allows. So each call has one data key.
fn reader(kek: &str, key: &str) -> (Sandbox, FaultProxy) {
    let proxy = FaultProxy::start(vault().port);
    (vault::reader(kek, &format!("reader-{key}"), proxy.port), proxy)
}

#[test]
fn a_policy_that_forbids_the_shared_call_costs_one_call_more() {
    let (kek, key) = key();
    let yaml = many(&sandbox(), &kek, 20);
    let (reader, proxy) = reader(&kek, &key);
    let plain = unwrap(&reader, &yaml).succeeds().stdout;
    assert_eq!(plain.matches("kind: Secret").count(), 20);
    let calls = proxy.take().0.len();
    assert!((20..=22).contains(&calls), "{calls} calls");
}

#[test]
fn a_server_that_allows_200_calls_a_second_throttles_at_most_1_in_100() {
    let (kek, key) = key();
    let yaml = many(&sandbox(), &kek, 1000);
    let (reader, proxy) = reader(&kek, &key);
    proxy.delay(Duration::from_millis(20));
    proxy.quota(200, 20, Fault::Error(429, "too many requests"));
    unwrap(&reader, &yaml).succeeds();
    let (calls, throttled) = (proxy.take().0.len(), proxy.throttled());
    assert!(calls - throttled <= 1020, "{calls} calls, {throttled} throttled");
    assert!((1..=10).contains(&throttled), "{throttled} of {calls} calls were throttled");
}

#[test]
fn a_server_that_throttles_for_a_while_fails_nothing() {
    let (kek, _) = key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = many(&sandbox, &kek, 40);
    proxy.next((0..3).map(|_| Fault::Error(429, "too many requests")));
    unwrap(&sandbox, &yaml).succeeds();
}

#[test]
fn no_token_a_stale_one_and_one_in_the_home_folder() {
    let (kek, _) = key();
    let nobody = Sandbox::new().env("VAULT_ADDR", vault().address());
    let error = create(&nobody, &[&kek], 1).fails(1);
    assert!(error.contains("no valid login\ncause: no token is set\nhint: log in with"), "{error}");
    let token = vault().token(&["transit/encrypt/*".to_owned(), "transit/decrypt/*".to_owned()]);
    let home = nobody.work().parent().expect("a home").join(".vault-token");
    std::fs::write(&home, format!("{token}\n")).expect("written");
    unwrap(&nobody, &sealed_under(&nobody, &[&kek])).succeeds();
    vault().bao(["token", "revoke", &token]).succeeds();
    let error = create(&nobody, &[&kek], 1).fails(1);
    assert!(error.contains("access denied") || error.contains("no valid login"), "{error}");
    assert!(!error.contains(&token), "{error}");
    let error =
        create(&Sandbox::new().env("VAULT_TOKEN", "x").env("VAULT_ADDR", "ftp://x"), &[&kek], 1);
    assert!(error.fails(1).contains("`VAULT_ADDR` is not a valid http or https address"));
    // An empty word is none; an unknown one does not turn the check off.
    let empty = sandbox().env("VAULT_SKIP_VERIFY", "").env("VAULT_NAMESPACE", "\n");
    create(&empty, &[&kek], 1).succeeds();
    let error = create(&sandbox().env("VAULT_SKIP_VERIFY", "no"), &[&kek], 1).fails(1);
    assert!(error.contains("`VAULT_SKIP_VERIFY` must be `true` or `false`, not `no`"), "{error}");
}

#[test]
fn an_approle_logs_in() {
    let (kek, key) = key();
    let policy =
        vault().policy(&[format!("transit/encrypt/{key}"), format!("transit/decrypt/{key}")]);
    let role = format!("auth/approle/role/{key}");
    vault().bao(["write", &role, &format!("token_policies={policy}")]).succeeds();
    let read =
        |args: &[&str]| vault().bao(args.iter().copied()).succeeds().stdout.trim().to_owned();
    let role_id = read(&["read", "-field=role_id", &format!("{role}/role-id")]);
    let secret_id = read(&["write", "-f", "-field=secret_id", &format!("{role}/secret-id")]);
    let pod = Sandbox::new().env("VAULT_ADDR", vault().address()).env("VAULT_ROLE_ID", role_id);
    let file = pod.write("secret-id", &secret_id).display().to_string();
    let error = create(&pod, &[&kek], 1).fails(1);
    assert!(error.contains("no valid login"), "{error}");
    let pod = pod.env("VAULT_SECRET_ID_FILE", file);
    unwrap(&pod, &sealed_under(&pod, &[&kek])).succeeds();
    let pod = pod.env("VAULT_SECRET_ID", secret_id);
    unwrap(&pod, &sealed_under(&pod, &[&kek])).succeeds();
}

/// The server asks the API server whose token it is (TokenReview).
#[test]
fn a_service_account_logs_in() {
    let (plane, (kek, key)) = (control_plane(), key());
    let namespace = plane.namespace();
    plane.kubectl(["create", "serviceaccount", "app", "-n", &namespace]).succeeds();
    let token = plane.kubectl(["create", "token", "app", "-n", &namespace]).succeeds().stdout;
    let policy =
        vault().policy(&[format!("transit/encrypt/{key}"), format!("transit/decrypt/{key}")]);
    vault().bao(["auth", "enable", "-path=cluster", "kubernetes"]).succeeds();
    vault()
        .bao([
            "write",
            "auth/cluster/config",
            &format!("kubernetes_host={}", plane.server),
            &format!("kubernetes_ca_cert=@{}", plane.ca().display()),
            "token_reviewer_jwt=admin-token",
        ])
        .succeeds();
    vault()
        .bao([
            "write",
            "auth/cluster/role/app",
            "bound_service_account_names=app",
            &format!("bound_service_account_namespaces={namespace}"),
            &format!("token_policies={policy}"),
        ])
        .succeeds();
    let pod = Sandbox::new()
        .env("VAULT_ADDR", vault().address())
        .env("VAULT_AUTH_PATH", "cluster")
        .env("VAULT_ROLE", "app");
    let error = create(&pod, &[&kek], 1).fails(1);
    assert!(error.contains("serviceaccount/token` cannot be read"), "{error}");
    let file = pod.write("token", token).display().to_string();
    let pod = pod.env("VAULT_SERVICE_ACCOUNT_TOKEN_FILE", file);
    unwrap(&pod, &sealed_under(&pod, &[&kek])).succeeds();
}
