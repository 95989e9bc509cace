//! Taking the place of another KMS plugin: the ciphertexts of its kind, and its socket under a real
//! kube-apiserver.

use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kms::primitives::Blob;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_core::kek::k8skms::protocol::{
    DecryptRequest, EncryptRequest, EncryptResponse, Plugin as Client,
};
use serde_json::json;

use super::providers::{argument, encrypted_in_etcd, encryption_configuration, read, secret};
use crate::clouds::{AZURE_KEK, Clouds, GOOGLE_KEK};
use crate::control_plane::{ControlPlane, Etcd};
use crate::etcd::contains;
use crate::kms::{REGION, block_on, kms, with_kms};
use crate::kms_server::KmsServer;
use crate::plugin::Plugin;
use crate::sandbox::{Sandbox, own};
use crate::server::wait_until;
use crate::vault::{vault, with_vault};

const SEED: &[u8; 32] = b"the seed of kube-apiserver, 32 b";

/// What a plugin without annotations answered.
fn answer(ciphertext: impl Into<Vec<u8>>, key_id: &str) -> EncryptResponse {
    let (ciphertext, key_id) = (ciphertext.into(), key_id.to_owned());
    EncryptResponse { ciphertext, key_id, annotations: Default::default() }
}

fn client(server: &KmsServer) -> Client {
    Client::at(&server.socket(), Duration::from_secs(3))
}

/// The seed, or the error.
fn decrypt(server: &KmsServer, sealed: &EncryptResponse) -> Result<Vec<u8>, String> {
    let EncryptResponse { ciphertext, key_id, annotations } = sealed.clone();
    let request = DecryptRequest { ciphertext, uid: "uid".to_owned(), key_id, annotations };
    let opened = block_on(async { client(server).decrypt(request).await });
    opened.map(|opened| opened.plaintext).map_err(|status| status.message().to_owned())
}

fn encrypt(server: &KmsServer) -> EncryptResponse {
    let request = EncryptRequest { plaintext: SEED.to_vec(), uid: "uid".to_owned() };
    block_on(async { client(server).encrypt(request).await }).expect("sealed")
}

/// The version that Status reports.
fn version(server: &KmsServer) -> String {
    block_on(async { client(server).status().await }).expect("ready").version
}

#[test]
fn what_vault_kubernetes_kms_wrapped_is_opened_and_written_with_its_key_id() {
    let key = vault().key();
    let sandbox = with_vault(Sandbox::new(), vault().port);
    let bao = |operation: &str, value: &str| {
        let (path, field) = (format!("transit/{operation}/{key}"), operation);
        let result = if field == "encrypt" { "-field=ciphertext" } else { "-field=plaintext" };
        vault().bao(["write", result, &path, value]).succeeds().stdout.trim().to_owned()
    };
    vault().bao(["write", "-f", &format!("transit/keys/{key}/rotate")]).succeeds();
    let theirs = bao("encrypt", &format!("plaintext={}", BASE64_STANDARD.encode(SEED)));
    assert!(theirs.starts_with("vault:v2:"), "{theirs}");
    let theirs = answer(theirs, "2");

    let (keks, reads) = ([format!("hashivault://{key}")], "reads: [vault-kubernetes-kms]\n");
    let more = format!("{reads}writes: vault-kubernetes-kms\n");
    let server = KmsServer::start(&keks, &more, &sandbox.environment());
    assert_eq!(server.wait_ready(), "2");
    assert_eq!(version(&server), "v2");
    assert_eq!(decrypt(&server, &theirs).as_deref(), Ok(&SEED[..]));
    let written = encrypt(&server);
    assert_eq!(written.key_id, "2");
    let text = String::from_utf8(written.ciphertext).expect("the text of Vault");
    let opened = bao("decrypt", &format!("ciphertext={text}"));
    assert_eq!(BASE64_STANDARD.decode(opened).expect("base64"), SEED, "the way back");

    // A rotation is followed.
    vault().bao(["write", "-f", &format!("transit/keys/{key}/rotate")]).succeeds();
    server.wait_status(|id| id.as_deref() == Ok("3"));
    assert_eq!(encrypt(&server).key_id, "3");

    let server = KmsServer::start(&keks, reads, &sandbox.environment());
    assert!(server.wait_ready().starts_with("envcrypt1-"));
    assert_eq!(decrypt(&server, &theirs).as_deref(), Ok(&SEED[..]));
    let damaged = answer("vault:v2:AAAA", "2");
    assert!(decrypt(&server, &damaged).is_err_and(|why| why.contains("this key did not wrap it")));
    let server = KmsServer::start(&keks, "", &sandbox.environment());
    server.wait_ready();
    assert!(decrypt(&server, &theirs).is_err_and(|why| why.contains("`reads` must name")));
}

#[test]
fn what_aws_encryption_provider_wrapped_is_opened_in_its_context() {
    let (arn, other) = (kms().key(), kms().key());
    let wrap = |context: Option<(&str, &str)>| {
        let call = kms().client(REGION).encrypt().key_id(&arn).plaintext(Blob::new(SEED));
        let call = match context {
            Some((name, value)) => call.encryption_context(name, value),
            None => call,
        };
        let blob = block_on(call.send()).expect("wrapped").ciphertext_blob.expect("a blob");
        answer([b"1", blob.as_ref()].concat(), &arn)
    };
    let (plain, bound) = (wrap(None), wrap(Some(("team", "a"))));
    let sandbox = with_kms(Sandbox::new(), kms().port);
    let keks = [format!("awskms:///{other}"), format!("awskms:///{arn}")];
    let reads = "reads: [aws-encryption-provider]\n";
    let start = |keks: &[String], more: &str| {
        let server = KmsServer::start(keks, more, &sandbox.environment());
        server.wait_ready();
        server
    };
    let without = start(&keks, reads);
    let with = start(&keks, &format!("{reads}awsEncryptionContext: {{team: a}}\n"));
    assert_eq!(decrypt(&without, &plain).as_deref(), Ok(&SEED[..]));
    assert_eq!(decrypt(&with, &bound).as_deref(), Ok(&SEED[..]));
    assert!(decrypt(&without, &bound).is_err() && decrypt(&with, &plain).is_err());
    assert_eq!(version(&without), "v2beta1", "as the peer reports it");

    let more =
        format!("{reads}awsEncryptionContext: {{team: a}}\nwrites: aws-encryption-provider\n");
    let writer = start(&keks[1..], &more);
    let written = encrypt(&writer);
    assert_eq!((written.key_id.as_str(), written.ciphertext[0]), (arn.as_str(), b'1'));
    let blob = Blob::new(&written.ciphertext[1..]);
    let call = kms().client(REGION).decrypt().ciphertext_blob(blob);
    let opened = block_on(call.encryption_context("team", "a").send()).expect("the way back");
    assert_eq!(opened.plaintext.expect("a seed").as_ref(), SEED);
    // The peer reports whatever its `--key` is.
    let more = format!("{reads}writes: {{peer: aws-encryption-provider, keyId: alias/k8s}}\n");
    assert_eq!(encrypt(&start(&keks[1..], &more)).key_id, "alias/k8s");
}

#[test]
fn what_the_plugins_of_google_and_azure_wrapped_is_opened() {
    let clouds = Clouds::start();
    let sandbox = clouds.sandbox(Sandbox::new());
    let start = |keks: &[String], more: &str| {
        let server = KmsServer::start(keks, more, &sandbox.environment());
        server.wait_ready();
        server
    };
    let google = [GOOGLE_KEK.to_owned()];
    let written = encrypt(&start(&google, "reads: [cloudkms]\nwrites: cloudkms\n"));
    assert!(
        GOOGLE_KEK.ends_with(written.key_id.split("/cryptoKeyVersions/").next().expect("a key"))
    );
    let mut elsewhere = written.clone();
    elsewhere.key_id =
        "projects/evil/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1".into();
    let server = start(&google, "reads: [cloudkms]\n");
    clouds.take();
    for sealed in [&written, &elsewhere] {
        assert_eq!(decrypt(&server, sealed).as_deref(), Ok(&SEED[..]), "a configured key opens");
    }

    // The version is part of what the peer is told; our own KEK has none.
    let ours = start(&[AZURE_KEK.to_owned()], "");
    let sealed = envcrypt_core::seed::Ciphertext::read(&encrypt(&ours).ciphertext).expect("ours");
    let pinned = format!("{AZURE_KEK}/{}", sealed.copies()[0].version());
    let azure = [AZURE_KEK.to_owned()];
    let more = format!("reads: ['{pinned}']\nwrites: '{pinned}'\n");
    let written = encrypt(&start(&azure, &more));
    assert_eq!(written.key_id.len(), 64, "a hash in hex");
    assert_eq!(written.annotations["algorithm.azure.akv.io"], b"RSA-OAEP-256");
    clouds.order(json!({ "azure": { crate::clouds::AZURE_KEY: "rotate" } }));
    let server = start(&azure, &format!("reads: ['{pinned}']\n"));
    assert_eq!(decrypt(&server, &written).as_deref(), Ok(&SEED[..]), "at its old version");
}

/// A socket that leads to another one until it is dropped, as if the plugin behind it ended.
struct Link {
    path: PathBuf,
    ends: Arc<Mutex<Vec<UnixStream>>>,
}

impl Link {
    fn new(path: PathBuf, to: PathBuf) -> Self {
        let (listener, ends) = (UnixListener::bind(&path).expect("bound"), Arc::default());
        let link = Self { path, ends: Arc::clone(&ends) };
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = UnixStream::connect(&to).expect("the plugin runs");
                let clone = |end: &UnixStream| end.try_clone().expect("a handle");
                ends.lock().expect("whole").extend([clone(&near), clone(&far)]);
                for (mut from, mut to) in [(clone(&near), clone(&far)), (far, near)] {
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
            }
        });
        link
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        for end in self.ends.lock().expect("whole").iter() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

/// An old plugin, and the server that takes its place on the same socket.
struct Takeover {
    old: Plugin,
    /// The old plugin on the socket of kube-apiserver, as long as it has not moved.
    link: Option<Link>,
    local: Sandbox,
    server: KmsServer,
    plane: ControlPlane,
    _file: tempfile::TempPath,
}

impl Takeover {
    /// A cluster whose Secrets the old plugin wraps.
    fn start() -> Self {
        let old = Plugin::start();
        // As plugins from before Kubernetes 1.29 do.
        old.order(&json!({ "version": "v2beta1" }));
        let local = Sandbox::with_local_key();
        let server = KmsServer::prepare(&[], "", &[]);
        let link = Some(Link::new(server.socket(), old.socket()));
        let provider = [("secrets", "envcrypt", &*server.socket())];
        let (file, more) = argument(&encryption_configuration(&provider));
        let plane = ControlPlane::with(Arc::new(Etcd::start()), more);
        Self { old, link, local, server, plane, _file: file }
    }

    /// Puts the old plugin back on the socket.
    fn go_back(&mut self) {
        self.server.kill();
        std::fs::remove_file(self.server.socket()).expect("removed");
        self.link = Some(Link::new(self.server.socket(), self.old.socket()));
    }

    /// Puts the server on the socket, with these lines of configuration.
    fn run(&mut self, more: &str) {
        self.link = None;
        self.configure(more);
        self.server.run();
        self.server.wait_ready();
    }

    fn configure(&self, more: &str) {
        let identity = self.local.config().join("identities/local.txt");
        let kek = format!("{{kek: '{}', identity: {}}}", own(&self.local), identity.display());
        self.server.configure(&[kek], more);
    }

    /// kube-apiserver has nothing in memory then.
    fn restart_apiserver(&mut self) {
        self.plane.stop_apiserver();
        self.plane.start_apiserver();
        self.plane.wait_ready();
    }

    #[track_caller]
    fn reads_all(&self, names: &[&str]) {
        for name in names {
            assert_eq!(read(&self.plane, name).as_deref(), Some("the-value"), "{name}");
        }
    }

    /// Writes a Secret. Returns whether this key id is stored with it.
    fn stores(&self, name: &str, key_id: &str) -> bool {
        self.plane.apply(&secret(name, "the-value"));
        contains(&encrypted_in_etcd(&self.plane, name, "the-value"), key_id.as_bytes())
    }

    fn is_healthy(&self) -> bool {
        self.plane.kubectl(["get", "--raw", "/readyz/kms-providers"]).code == Some(0)
    }
}

#[test]
fn an_old_plugin_is_replaced_under_a_kube_apiserver_that_keeps_running() {
    let mut cluster = Takeover::start();
    assert!(cluster.stores("before", "key-1"));
    let reads = format!("protocol: v2beta1\nreads: ['{}']\n", cluster.old.kek());
    let writes = format!("{reads}writes: '{}'\n", cluster.old.kek());

    // Round 1, and the way back.
    cluster.run(&writes);
    assert_eq!(cluster.server.status().as_deref(), Ok("key-1"));
    assert!(cluster.stores("during", "key-1"));
    cluster.restart_apiserver();
    assert!(cluster.stores("during-2", "key-1"), "a seed that the new server wrote");
    cluster.reads_all(&["before", "during", "during-2"]);
    cluster.go_back();
    cluster.restart_apiserver();
    cluster.reads_all(&["before", "during", "during-2"]);

    // Both rounds, without a restart of kube-apiserver.
    cluster.run(&writes);
    cluster.configure(&reads);
    cluster.server.wait_status(|id| id.as_ref().is_ok_and(|id| id.starts_with("envcrypt1-")));
    let log = tempfile::NamedTempFile::new().expect("a file");
    wait_until("kube-apiserver follows", log.path(), || {
        cluster.is_healthy();
        cluster.stores(&format!("after-{}", super::rotation::nanos()), "envcrypt1-")
    });
    assert!(cluster.is_healthy());
    cluster.reads_all(&["before", "during", "during-2"]);

    let sandbox = cluster.plane.sandbox("admin");
    let live = format!("--etcd=http://127.0.0.1:{}", cluster.plane.etcd.port);
    let verify = ["at-rest", "verify", &live, "--expect", "kms:envcrypt"];
    let before = sandbox.run(verify);
    assert_eq!(before.code, Some(1), "{}", before.stderr);
    assert!(before.stdout.contains("key id key-1"), "{}", before.stdout);
    sandbox.run(["at-rest", "reencrypt"]).succeeds();
    let after = sandbox.run(verify).succeeds().stdout;
    assert!(!after.contains("key-1") && after.contains("key id envcrypt1-"), "{after}");

    // Nothing of the old plugin is left.
    cluster.configure("");
    cluster.server.wait_status(|_| cluster.server.log().contains("restart each kube-apiserver"));
    cluster.restart_apiserver();
    assert!(cluster.is_healthy());
    cluster.reads_all(&["before", "during", "during-2"]);
}

/// The reason why `protocol` exists.
#[test]
fn kube_apiserver_refuses_another_version_until_it_restarts() {
    let mut cluster = Takeover::start();
    assert!(cluster.stores("before", "key-1"));
    cluster.run(&format!("reads: ['{}']\n", cluster.old.kek()));
    let log = tempfile::NamedTempFile::new().expect("a file");
    wait_until("kube-apiserver refuses", log.path(), || !cluster.is_healthy());
    let why = cluster.plane.kubectl(["get", "--raw", "/readyz/kms-providers"]).stderr;
    assert!(why.contains("version should not change"), "{why}");
    cluster.restart_apiserver();
    assert!(cluster.is_healthy());
    cluster.reads_all(&["before"]);
}

#[test]
fn a_refusal_of_the_old_plugin_in_round_1_stops_the_server() {
    let (old, local) = (Plugin::start(), Sandbox::with_local_key());
    let identity = local.config().join("identities/local.txt");
    let kek = format!("{{kek: '{}', identity: {}}}", own(&local), identity.display());
    let more = format!("reads: ['{0}']\nwrites: '{0}'\n", old.kek());
    let server = KmsServer::start(&[kek], &more, &[]);
    assert_eq!(server.wait_ready(), "key-1");
    let sealed = encrypt(&server);
    assert_eq!(decrypt(&server, &sealed).as_deref(), Ok(&SEED[..]));
    // An outage, and then PERMISSION_DENIED.
    old.order(&json!({ "code": 14 }));
    server.wait_status(|_| server.log().contains("the KMS does not answer"));
    assert_eq!(server.status().as_deref(), Ok("key-1"));
    assert_eq!(decrypt(&server, &sealed).as_deref(), Ok(&SEED[..]), "from memory");
    old.order(&json!({ "code": 7 }));
    server.wait_status(|status| status.as_ref().is_err_and(|why| why.contains("access denied")));
    assert!(server.log().contains("all keys are wiped"), "{}", server.log());
    assert!(decrypt(&server, &sealed).is_err(), "not even from memory");
    old.order(&json!({}));
    assert_eq!(server.wait_ready(), "key-1");
    assert_eq!(decrypt(&server, &sealed).as_deref(), Ok(&SEED[..]));
}
