//! sealed-secrets.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Deserializer, Value, json};

use crate::cluster::{NAMESPACE, Object};
use crate::contestant::{Account, KEY};
use crate::control_plane::ControlPlane;

pub const ACCOUNT: Account = Account { namespace: "sealed-secrets", name: "sealed-secrets" };

/// The variables that name its programs.
const CONTROLLER: &str = "PEER_SEALED_SECRETS_CONTROLLER";
const KUBESEAL: &str = "PEER_KUBESEAL";

/// It looks for its service account in a fixed place, so that place is made, in a mount namespace
/// of its own: `sh` gets the directory to put there, the program, and its arguments.
const IN_CLUSTER: &str = r#"
set -e
account=/run/secrets/kubernetes.io/serviceaccount
mount -t tmpfs tmpfs /run
mkdir -p $account
cp "$1"/token "$1"/ca.crt "$1"/namespace $account
shift
exec "$@"
"#;

pub struct Peer {
    directory: PathBuf,
    server: String,
    flags: &'static [&'static str],
}

fn program(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file())
}

pub fn missing() -> Option<String> {
    let missing = [CONTROLLER, KUBESEAL].into_iter().find(|name| program(name).is_none())?;
    Some(format!("{missing} does not name a program"))
}

impl Peer {
    pub fn new(plane: &ControlPlane, directory: PathBuf, flags: &'static [&'static str]) -> Self {
        let write = |name: &str, text: &str| {
            std::fs::write(directory.join(name), text).expect("written");
        };
        write("token", &ACCOUNT.token(plane));
        write("namespace", ACCOUNT.namespace);
        write("ca.crt", &std::fs::read_to_string(plane.ca()).expect("a certificate"));
        let server = plane.server.trim_start_matches("https://").to_owned();
        Self { directory, server, flags }
    }

    pub fn command(&self, port: u16) -> Command {
        let (host, server_port) = self.server.split_once(':').expect("a port");
        // As `unshare` and `sh` end with `exec`, the process is the controller in the end.
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", IN_CLUSTER, "sh"]);
        command.arg(&self.directory).arg(program(CONTROLLER).expect("it is here"));
        command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", server_port);
        command.arg(format!("--listen-addr=127.0.0.1:{port}"));
        // Nobody reads them, so any port will do.
        command.arg("--listen-metrics-addr=127.0.0.1:0").args(self.flags);
        command
    }

    /// Keeps the certificate that values are sealed to.
    pub fn save_certificate(&self, text: &str) {
        std::fs::write(self.directory.join("cert.pem"), text).expect("written");
    }

    /// Seals each value, all in one run of kubeseal.
    ///
    /// The type is the default one. If a Secret does not say so, sealed-secrets writes it again
    /// each time it looks at it.
    pub fn seal(&self, values: &[(String, String)]) -> Vec<Object> {
        let secret = |(name, value): &(String, String)| {
            let secret = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": { "name": name, "namespace": NAMESPACE },
                "type": "Opaque",
                "stringData": { KEY: value },
            });
            format!("---\n{secret}\n")
        };
        let input = self.directory.join("secrets.yaml");
        std::fs::write(&input, values.iter().map(secret).collect::<String>()).expect("written");
        let mut command = Command::new(program(KUBESEAL).expect("it is here"));
        command.arg("--cert").arg(self.directory.join("cert.pem"));
        command.arg("-f").arg(input).args(["-o", "json"]);
        let output = command.output().expect("kubeseal starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8").replace("\n---\n", "\n");
        let sealed = Deserializer::from_str(&text).into_iter::<Value>();
        let object = |(mut object, (name, value)): (Value, &(String, String))| {
            assert_eq!(object["metadata"]["name"], name.as_str());
            Object { name: name.clone(), spec: object["spec"].take(), value: value.clone() }
        };
        let sealed = sealed.map(|object| object.expect("JSON"));
        let objects: Vec<Object> = sealed.zip(values).map(object).collect();
        assert_eq!(objects.len(), values.len(), "kubeseal sealed each");
        objects
    }
}
