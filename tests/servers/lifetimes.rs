//! Tests a ring that lives as long as a server does.
//!
//! Logins expire or are revoked, a KMS goes down and comes up again, and keys are rotated. The
//! ring takes its login from the environment, so it needs a separate process. That process is
//! this program again, which runs [`child`].

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use envcrypt_core::kek::{
    Context, DataKey, Keep, KekError, KekUri, Lifetimes, Limits, Ring, RingOptions,
};

use crate::fault_proxy::{Fault, FaultProxy};
use crate::vault::vault;

const MARK: &str = "ring: ";

/// Makes one round trip for each line on standard input. The other tests run it.
#[test]
#[ignore = "the other tests run it in a separate process"]
fn child() {
    let kek: KekUri = std::env::var("RING_KEK").expect("it is given").parse().expect("a KEK");
    let keep = Keep::For { age: Duration::from_secs(60), most: 10 };
    let mut lifetimes = Lifetimes::server(keep, Limits::default());
    let retry = std::env::var("RING_RETRY").expect("it is given").parse().expect("seconds");
    lifetimes.retry = Some(Duration::from_secs(retry));
    let ring = Ring::new(RingOptions {
        identities: Vec::new(),
        passphrases: Arc::new(|_| Err("nobody is asked".to_owned())),
        plugin_user: None,
        patience: Duration::from_secs(2),
        lifetimes,
        vaults: Default::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for _ in std::io::stdin().lines() {
        let answer = match runtime.block_on(round_trip(&ring, &kek)) {
            Ok(version) => format!("ok {}", version.unwrap_or_default()),
            Err(error) => error.refusal.to_string(),
        };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "\n{MARK}{answer}").and_then(|()| stdout.flush()).expect("written");
    }
}

async fn round_trip(ring: &Ring, kek: &KekUri) -> Result<Option<String>, KekError> {
    let (key, context) = (DataKey::generate(), Context::new(Some("prod"), Some("db")));
    let wrapped = ring.wrap(std::slice::from_ref(kek), &key, &context).await?.remove(0);
    let same = |opened: &DataKey| opened.expose() == key.expose();
    let opened = ring.holds(&[&wrapped.key], &context, same).await;
    opened.map(|_| wrapped.version).map_err(|mut refusals| refusals.remove(0))
}

struct LongRing {
    child: Child,
    stdin: ChildStdin,
    answers: std::io::Lines<BufReader<ChildStdout>>,
}

impl LongRing {
    fn start(kek: &str, retry: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "lifetimes::child", "--ignored", "--nocapture"]);
        command
            .env_clear()
            .env("RING_KEK", kek)
            .env("RING_RETRY", retry)
            .envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let stdin = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, stdin, answers }
    }

    /// Returns the result of a round trip: `ok VERSION`, or the refusal.
    fn round_trip(&mut self) -> String {
        writeln!(self.stdin, "go").expect("it reads");
        let mut lines = self.answers.by_ref().map(|line| line.expect("text"));
        let answer = lines.find_map(|line| line.strip_prefix(MARK).map(str::to_owned));
        answer.expect("it answers")
    }
}

impl Drop for LongRing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key, and a role whose logins expire after `ttl`. Returns the KEK, the name of the key
/// and of the role, and the variables of a login.
fn role(ttl: &str) -> (String, String, [(&'static str, String); 3]) {
    let key = vault().key();
    let policy =
        vault().policy(&[format!("transit/encrypt/{key}"), format!("transit/decrypt/{key}")]);
    let role = format!("auth/approle/role/{key}");
    let (policies, ttl) = (format!("token_policies={policy}"), format!("token_ttl={ttl}"));
    vault().bao(["write", &role, &policies, &ttl]).succeeds();
    let read = |args: [&str; 3]| vault().bao(args).succeeds().stdout.trim().to_owned();
    let role_id = read(["read", "-field=role_id", &format!("{role}/role-id")]);
    let write = ["write", "-f", "-field=secret_id"];
    let path = format!("{role}/secret-id");
    let secret = vault().bao(write.into_iter().chain([path.as_str()])).succeeds();
    let secret_id = secret.stdout.trim().to_owned();
    let login = [
        ("VAULT_ADDR", vault().address()),
        ("VAULT_ROLE_ID", role_id),
        ("VAULT_SECRET_ID", secret_id),
    ];
    (format!("hashivault://{key}"), key, login)
}

/// The seconds until a retry: longer than a test takes, or none.
const NEVER: &str = "3600";
const AT_ONCE: &str = "0";

fn start(kek: &str, retry: &str, login: &[(&str, String)]) -> LongRing {
    let login: Vec<(&str, &str)> = login.iter().map(|(k, v)| (*k, v.as_str())).collect();
    LongRing::start(kek, retry, &login)
}

#[test]
fn a_login_is_renewed_before_it_ends_and_the_keys_version_is_told() {
    let (kek, key, login) = role("2s");
    let mut ring = start(&kek, NEVER, &login);
    let began = Instant::now();
    let mut trips = 0;
    while began.elapsed() < Duration::from_secs(5) {
        assert_eq!(ring.round_trip(), "ok v1", "after {trips} round trips");
        trips += 1;
    }
    vault().bao(["write", "-f", &format!("transit/keys/{key}/rotate")]).succeeds();
    assert_eq!(ring.round_trip(), "ok v2");
}

#[test]
fn a_token_is_renewed_by_itself() {
    let key = vault().key();
    let paths = ["encrypt", "decrypt"].map(|what| format!("transit/{what}/{key}"));
    let policy = vault().policy(&paths);
    let args = ["token", "create", "-field=token", "-ttl=2s", "-policy", &policy];
    let token = vault().bao(args).succeeds().stdout.trim().to_owned();
    let login = [("VAULT_ADDR", vault().address()), ("VAULT_TOKEN", token)];
    let mut ring = start(&format!("hashivault://{key}"), NEVER, &login);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        assert_eq!(ring.round_trip(), "ok v1");
    }
}

/// Revokes the logins of one role, because other tests log in at the same time. Returns how many
/// there were.
fn revoke_logins(role: &str) -> usize {
    let accessors = vault().bao(["list", "-format=json", "auth/token/accessors"]).succeeds();
    let accessors: Vec<String> = serde_json::from_str(&accessors.stdout).expect("JSON");
    let is_of_role = |accessor: &String| {
        let looked = vault().bao(["token", "lookup", "-accessor", accessor]);
        looked.stdout.contains(&format!("role_name:{role}"))
    };
    let revoke = |accessor: String| {
        vault().bao(["token", "revoke", "-accessor", &accessor]).succeeds();
    };
    accessors.into_iter().filter(is_of_role).map(revoke).count()
}

#[test]
fn a_login_that_was_revoked_is_made_anew() {
    let (kek, role, login) = role("1h");
    let mut ring = start(&kek, AT_ONCE, &login);
    assert_eq!(ring.round_trip(), "ok v1");
    assert_eq!(revoke_logins(&role), 1);
    assert_eq!(ring.round_trip(), "ok v1");
    // If the role is gone, the ring cannot log in again.
    vault().bao(["delete", &format!("auth/approle/role/{role}")]).succeeds();
    revoke_logins(&role);
    assert_eq!(ring.round_trip(), "access denied");
}

#[test]
fn a_kms_that_comes_back_is_used_again() {
    let (kek, _, mut login) = role("1h");
    let proxy = FaultProxy::start(vault().port);
    login[0].1 = format!("http://127.0.0.1:{}", proxy.port);
    let mut ring = start(&kek, AT_ONCE, &login);
    assert_eq!(ring.round_trip(), "ok v1");
    proxy.always(Fault::HangUp);
    for _ in 0..4 {
        assert_eq!(ring.round_trip(), "the KMS does not answer");
    }
    proxy.heal();
    assert_eq!(ring.round_trip(), "ok v1");
}
