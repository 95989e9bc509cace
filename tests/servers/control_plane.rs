//! A control plane: etcd, which encrypts nothing, and kube-apiserver, with an
//! administrator and a developer with few rights. One for all tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::programs::find;
use crate::sandbox::{Run, Sandbox};
use crate::server::{Server, free_port, listens, wait_until};

pub struct ControlPlane {
    folder: tempfile::TempDir,
    pub server: String,
    port: u16,
    /// Further arguments of kube-apiserver.
    more: Vec<String>,
    pub etcd: Arc<Etcd>,
    apiserver: Option<Server>,
    /// Whether the custom resource is known.
    crd: Once,
}

/// A server of etcd, which encrypts nothing.
pub struct Etcd {
    folder: tempfile::TempDir,
    pub port: u16,
    _server: Server,
}

impl Etcd {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [port, peer_port] = [free_port(), free_port()];
        let url = format!("http://127.0.0.1:{port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let log = folder.path().join("etcd.log");
        let server = Server::start(
            &find("etcd"),
            [
                "--data-dir".into(),
                folder.path().join("data").display().to_string(),
                format!("--listen-client-urls={url}"),
                format!("--advertise-client-urls={url}"),
                format!("--listen-peer-urls={peer_url}"),
                format!("--initial-advertise-peer-urls={peer_url}"),
                format!("--initial-cluster=default={peer_url}"),
                "--unsafe-no-fsync".into(),
            ],
            &log,
        );
        wait_until("etcd", &log, || listens(port));
        Self { folder, port, _server: server }
    }

    /// The directory of its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs etcdctl.
    pub fn etcdctl<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
        let mut command = Command::new(find("etcdctl"));
        command.arg(format!("--endpoints=http://127.0.0.1:{}", self.port)).args(args);
        let output = command.output().expect("etcdctl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// kube-controller-manager, for its whole cluster: of use on a control plane that no other test has.
///
/// Its garbage collector learns of a new kind of object only twice a minute. Create a
/// CustomResourceDefinition before you start it.
pub struct ControllerManager {
    folder: tempfile::TempDir,
    _server: Server,
}

impl ControllerManager {
    /// Starts these controllers, such as `garbagecollector`.
    pub fn start(plane: &ControlPlane, controllers: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = |name: &str| plane.folder.path().join(name).display().to_string();
        let server = Server::start(
            &find("kube-controller-manager"),
            [
                format!("--kubeconfig={}", plane.kubeconfig("admin").display()),
                format!("--controllers={}", controllers.join(",")),
                format!("--service-account-private-key-file={}", text("sa-key.pem")),
                format!("--root-ca-file={}", text("ca.pem")),
                "--leader-elect=false".into(),
                // Nobody asks for its health or its metrics.
                "--secure-port=0".into(),
            ],
            &folder.path().join("controller-manager.log"),
        );
        Self { folder, _server: server }
    }

    /// Waits until its controllers have brought something about.
    pub fn wait_until(&self, what: &str, holds: impl FnMut() -> bool) {
        wait_until(what, &self.folder.path().join("controller-manager.log"), holds);
    }
}

/// The one of all tests, started by the first.
pub fn control_plane() -> &'static ControlPlane {
    static ONE: OnceLock<Option<ControlPlane>> = OnceLock::new();
    let one = ONE.get_or_init(|| std::panic::catch_unwind(ControlPlane::start).ok());
    one.as_ref().expect("the control plane did not start: see the first failure")
}

/// The same, with the custom resource.
pub fn plane_with_crd() -> &'static ControlPlane {
    let plane = control_plane();
    plane.install_crd();
    plane
}

impl ControlPlane {
    fn start() -> Self {
        Self::with(Arc::new(Etcd::start()), Vec::new())
    }

    /// Starts kube-apiserver with further arguments, on this etcd.
    pub fn with(etcd: Arc<Etcd>, more: Vec<String>) -> Self {
        let mut plane = Self::prepare(etcd, more);
        plane.start_apiserver();
        plane.wait_ready();
        plane
    }

    /// Everything but a running kube-apiserver.
    pub fn prepare(etcd: Arc<Etcd>, more: Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_credentials(folder.path());
        let port = free_port();
        let server = format!("https://127.0.0.1:{port}");
        let plane = Self { folder, server, port, more, etcd, apiserver: None, crd: Once::new() };
        for user in ["admin", "developer"] {
            std::fs::write(plane.kubeconfig(user), plane.kubeconfig_text(user)).expect("written");
        }
        plane
    }

    /// Starts kube-apiserver again with other further arguments.
    pub fn restart_with(&mut self, more: Vec<String>) {
        self.stop_apiserver();
        self.more = more;
        self.start_apiserver();
        self.wait_ready();
    }

    /// Ends kube-apiserver at once.
    pub fn stop_apiserver(&mut self) {
        self.apiserver.take().expect("it runs").stop();
    }

    /// Starts kube-apiserver, and does not wait for it.
    pub fn start_apiserver(&mut self) {
        let text = |name: &str| self.folder.path().join(name).display().to_string();
        let (etcd_port, port) = (self.etcd.port, self.port);
        let apiserver = Server::start(
            &find("kube-apiserver"),
            [
                format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
                format!("--secure-port={port}"),
                "--bind-address=127.0.0.1".into(),
                format!("--tls-cert-file={}", text("server.pem")),
                format!("--tls-private-key-file={}", text("server-key.pem")),
                format!("--cert-dir={}", text("certificates")),
                format!("--token-auth-file={}", text("tokens.csv")),
                format!("--client-ca-file={}", text("ca.pem")),
                "--authorization-mode=RBAC".into(),
                "--service-account-issuer=https://kubernetes.default.svc".into(),
                format!("--service-account-key-file={}", text("sa.pem")),
                format!("--service-account-signing-key-file={}", text("sa-key.pem")),
                "--service-cluster-ip-range=10.0.0.0/24".into(),
                "--disable-admission-plugins=ServiceAccount".into(),
            ]
            .into_iter()
            .chain(self.more.iter().cloned()),
            &self.folder.path().join("apiserver.log"),
        );
        self.apiserver = Some(apiserver);
    }

    /// Waits until kube-apiserver answers.
    pub fn wait_ready(&self) {
        wait_until("kube-apiserver", &self.folder.path().join("apiserver.log"), || {
            self.kubectl(["get", "--raw", "/readyz"]).code == Some(0)
                && self.kubectl(["get", "namespace", "default"]).code == Some(0)
        });
    }

    /// The kubeconfig file of a user.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.path().join(format!("{user}.kubeconfig"))
    }

    /// The kubeconfig of a user as text.
    pub fn kubeconfig_text(&self, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {user}\n\
             clusters: [{{name: test, cluster: {{server: '{}', certificate-authority: '{}'}}}}]\n\
             users: [{{name: {user}, user: {{token: {user}-token}}}}]\n\
             contexts: [{{name: {user}, context: {{cluster: test, user: {user}}}}}]\n",
            self.server,
            self.folder.path().join("ca.pem").display(),
        )
    }

    /// The certificate authority's file.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Runs kubectl as the administrator.
    pub fn kubectl<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        let mut command = Command::new(find("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig("admin")).args(args);
        Run::from(command.output().expect("kubectl starts"))
    }

    /// Applies a manifest as the administrator.
    pub fn apply(&self, manifest: &str) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), manifest).expect("written");
        let path = file.path().to_str().expect("UTF-8");
        self.kubectl(["apply", "--server-side", "-f", path]).succeeds();
    }

    /// Makes the custom resource known, once.
    pub fn install_crd(&self) {
        self.crd.call_once(|| {
            self.apply(include_str!("../../deploy/base/crd.yaml"));
            let name = "crd/envcryptsecrets.envcrypt.dev";
            self.kubectl(["wait", "--for=condition=Established", "--timeout=60s", name]).succeeds();
        });
    }

    /// A namespace of its own, in which the developer may create and apply
    /// Secrets but not read them.
    pub fn namespace(&self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.apply(&format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}\n---\n\
             {{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: writer, namespace: {name}}}, \
             rules: [{{apiGroups: [''], resources: [secrets], verbs: [create, patch]}}]}}\n---\n\
             {{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: writer, namespace: {name}}}, \
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}}, \
             subjects: [{{kind: User, name: developer, apiGroup: rbac.authorization.k8s.io}}]}}\n"
        ));
        name
    }

    /// What etcd holds for a Secret, byte for byte.
    pub fn in_etcd(&self, namespace: &str, name: &str) -> Vec<u8> {
        self.raw_in_etcd(&format!("/registry/secrets/{namespace}/{name}"))
    }

    /// Copies a value to another key, as one who can write to etcd does.
    pub fn copy_in_etcd(&self, from: &str, to: &str) {
        let mut value = self.raw_in_etcd(from);
        // etcdctl adds a line break.
        value.pop();
        let mut command = Command::new(find("etcdctl"));
        command.arg(format!("--endpoints=http://127.0.0.1:{}", self.etcd.port)).args(["put", to]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, &value).expect("written");
        drop(stdin);
        assert!(child.wait().expect("it ends").success());
    }

    /// What etcd holds under a key.
    pub fn raw_in_etcd(&self, key: &str) -> Vec<u8> {
        self.etcd.etcdctl(["get", "--print-value-only", key])
    }

    /// A sandbox with a local key, for which this is the cluster.
    pub fn sandbox(&self, user: &str) -> Sandbox {
        let sandbox = Sandbox::new().env("KUBECONFIG", self.kubeconfig(user).display().to_string());
        sandbox.run(["kek", "new"]).succeeds();
        sandbox
    }
}

/// A certificate authority, a server certificate, the service accounts' key, tokens.
fn write_credentials(folder: &Path) {
    let write =
        |name: &str, text: String| std::fs::write(folder.join(name), text).expect("written");
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "test CA");
    let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");
    let issuer = Issuer::new(ca, ca_key);
    let server_key = KeyPair::generate().expect("a key");
    let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let server = CertificateParams::new(names).expect("names").signed_by(&server_key, &issuer);
    write("ca.pem", ca_certificate.pem());
    write("server.pem", server.expect("a certificate").pem());
    write("server-key.pem", server_key.serialize_pem());
    let accounts_key = KeyPair::generate().expect("a key");
    write("sa.pem", accounts_key.public_key_pem());
    write("sa-key.pem", accounts_key.serialize_pem());
    write(
        "tokens.csv",
        "admin-token,admin,1,system:masters\ndeveloper-token,developer,2\n".to_owned(),
    );
}
