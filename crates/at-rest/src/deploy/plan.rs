//! The options, checked against a target.

use super::error::DeployError;
use super::options::{AppRole, Options, Vault};
use super::target::{Runs, Target};

/// The directory with the configuration on each node. In a pod, the plugin sees only this one.
pub(super) const CONFIG: &str = "/etc/envcrypt";

/// The user of the plugin in a pod. The image has it as `nonroot`.
const NONROOT: u32 = 65_532;

/// The longest path of a socket. The plugin binds a longer, temporary name beside it, and Linux
/// allows 107 bytes.
const MAX_SOCKET: usize = 90;

/// Options that are valid and fit their target.
pub(super) struct Plan<'a> {
    pub(super) target: Target,
    pub(super) cluster: &'a str,
    pub(super) keks: &'a [String],
    pub(super) escrow: &'a [String],
    pub(super) provider: &'a str,
    pub(super) resources: &'a [String],
    pub(super) vault: Option<&'a Vault>,
    /// The image of a pod. Empty for a target without a pod.
    pub(super) image: &'a str,
    /// The path of the socket.
    pub(super) socket: &'a str,
    /// The user ID of kube-apiserver.
    pub(super) apiserver_uid: u32,
}

impl<'a> Plan<'a> {
    pub(super) fn new(target: Target, options: &'a Options) -> Result<Self, DeployError> {
        if target == Target::Daemonset && !options.starts_after_apiserver {
            return Err(DeployError::StartsAfterApiserver);
        }
        check_name("cluster", &options.cluster, 63)?;
        check_name("provider", &options.provider, 253)?;
        check_resources(&options.resources)?;
        check_keks(&options.keks, &options.escrow)?;
        let vault = vault(target, options)?;
        let socket = options.socket.as_deref().unwrap_or(target.socket());
        check_socket(target, socket)?;
        let own = format!("k8skms://{socket}");
        if options.keks.iter().chain(&options.escrow).any(|kek| *kek == own) {
            return Err(value("socket", socket, "it is the socket of a KEK"));
        }
        Ok(Self {
            target,
            cluster: &options.cluster,
            keks: &options.keks,
            escrow: &options.escrow,
            provider: &options.provider,
            resources: &options.resources,
            vault,
            image: image(target, options)?,
            socket,
            apiserver_uid: options.apiserver_uid.unwrap_or(target.apiserver_uid()),
        })
    }

    /// The directory of the socket.
    pub(super) fn socket_directory(&self) -> &'a str {
        parent(self.socket)
    }

    /// The user ID of the plugin in a pod.
    ///
    /// The API server must be able to connect to a socket with mode 0600: it is root, or the same
    /// user as the plugin.
    pub(super) fn pod_uid(&self) -> u32 {
        match self.apiserver_uid {
            0 => NONROOT,
            uid => uid,
        }
    }

    /// The files of the login to Vault, if a KEK needs them.
    pub(super) fn login(&self) -> Option<&'a AppRole> {
        self.vault.and_then(|vault| vault.login.as_ref())
    }

    /// The paths of other sockets that the plugin calls.
    pub(super) fn other_sockets(&self) -> impl Iterator<Item = &'a str> {
        self.keks.iter().chain(self.escrow).filter_map(|kek| kek.strip_prefix("k8skms://"))
    }
}

/// Returns the directory of an absolute path.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Returns the name of a file.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn value(what: &'static str, value: &str, rule: impl Into<String>) -> DeployError {
    DeployError::Value { what, value: value.escape_default().to_string(), rule: rule.into() }
}

fn check_name(what: &'static str, name: &str, most: usize) -> Result<(), DeployError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    match (1..=most).contains(&name.len()) && name.bytes().all(is_plain) {
        true => Ok(()),
        false => {
            Err(value(what, name, format!("use 1 to {most} letters, digits, `.`, `_` and `-`")))
        }
    }
}

fn check_resources(resources: &[String]) -> Result<(), DeployError> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-*".contains(&b);
    let wrong = resources.iter().find(|name| name.is_empty() || !name.bytes().all(is_plain));
    match (wrong, resources.is_empty()) {
        (Some(name), _) => Err(value("resource", name, "use a name such as `secrets` or `*.*`")),
        (None, true) => Err(value("resource", "", "name at least one")),
        (None, false) => Ok(()),
    }
}

/// Checks that each KEK has a known form. The plugin itself checks the rest of its URI.
fn check_keks(keks: &[String], escrow: &[String]) -> Result<(), DeployError> {
    const PREFIXES: [&str; 6] =
        ["awskms:///", "gcpkms://", "azurekms://", "hashivault://", "k8skms:///", "age:"];
    if keks.is_empty() {
        return Err(DeployError::NoKek);
    }
    let all: Vec<&String> = keks.iter().chain(escrow).collect();
    for (index, kek) in all.iter().enumerate() {
        if kek.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
            return Err(DeployError::Identity);
        }
        let shown = || kek.escape_default().to_string();
        let rest = PREFIXES.iter().find_map(|prefix| kek.strip_prefix(prefix));
        let is_printable = kek.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if rest.is_none_or(str::is_empty) || !is_printable {
            return Err(DeployError::Kek(shown()));
        }
        if all[..index].contains(kek) {
            return Err(DeployError::Twice(shown()));
        }
        if index < keks.len() && kek.starts_with("age:") {
            return Err(DeployError::AgeIsEscrow(shown()));
        }
        let arn = kek.strip_prefix("awskms:///");
        if arn.is_some_and(|arn| !is_key_arn(arn)) {
            return Err(DeployError::AwsKey(shown()));
        }
    }
    Ok(())
}

fn is_key_arn(arn: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b":/-".contains(&b);
    arn.starts_with("arn:") && arn.contains(":key/") && arn.bytes().all(is_plain)
}

/// Returns how to reach Vault, if a KEK is there.
fn vault(target: Target, options: &Options) -> Result<Option<&Vault>, DeployError> {
    let mut keks = options.keks.iter().chain(&options.escrow);
    let Some(kek) = keks.find(|kek| kek.starts_with("hashivault://")) else {
        return Ok(None);
    };
    let vault = options.vault.as_ref().ok_or_else(|| DeployError::VaultAddress(kek.clone()))?;
    let login = vault.login.as_ref().ok_or_else(|| DeployError::VaultLogin(kek.clone()))?;
    let is_address = ["https://", "http://"].iter().any(|s| vault.address.starts_with(s));
    if !is_address || !vault.address.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(value("address of Vault", &vault.address, "start with `https://`"));
    }
    let login = [&login.role_id_file, &login.secret_id_file];
    for path in vault.ca.iter().chain(login) {
        check_path("file", path)?;
        if target.runs() == Runs::Pod && parent(path) != CONFIG {
            let rule = format!("the pod of the plugin sees only the files in {CONFIG}");
            return Err(value("file", path, rule));
        }
    }
    if name(login[0]) == name(login[1]) {
        return Err(value("file", login[1], "the two files of the login need different names"));
    }
    Ok(Some(vault))
}

fn check_path(what: &'static str, path: &str) -> Result<(), DeployError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    let parts = || path.split('/').skip(1);
    let is_whole = path.starts_with('/') && parts().all(|part| !["", ".", ".."].contains(&part));
    match is_whole && path.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(value(
            what,
            path,
            "use an absolute path of letters, digits, `.`, `_` and `-`, without `..`",
        )),
    }
}

/// Checks that the API server of the target reaches the socket, in a directory of its own.
fn check_socket(target: Target, socket: &str) -> Result<(), DeployError> {
    check_path("socket", socket)?;
    if socket.len() > MAX_SOCKET {
        return Err(value("socket", socket, format!("use at most {MAX_SOCKET} characters")));
    }
    let root = target.socket_root();
    let directory = parent(socket);
    let is_own = directory.matches('/').count() >= 2 && root.trim_end_matches('/') != directory;
    if !is_own || !socket.starts_with(root) {
        return Err(value("socket", socket, format!("use a directory of its own below {root}")));
    }
    Ok(())
}

/// Returns the image if the target runs a pod.
fn image(target: Target, options: &Options) -> Result<&str, DeployError> {
    if target.runs() != Runs::Pod {
        return Ok("");
    }
    let image = options.image.as_deref().ok_or(DeployError::NoImage(target.name()))?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-:@".contains(&b);
    let is_digest = |text: &str| {
        text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let digest = image.split_once("@sha256:").filter(|(name, _)| !name.is_empty());
    match digest.is_some_and(|(_, digest)| is_digest(digest)) && image.bytes().all(is_plain) {
        true => Ok(image),
        false => Err(DeployError::ImageDigest(image.escape_default().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{files, steps};
    use super::*;

    const ARN: &str = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
    const AGE: &str = "age:age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    /// Options that fit every target.
    fn options() -> Options {
        let keks = vec![ARN.to_owned(), "hashivault://k8s".to_owned()];
        let mut options = Options::new("prod-eu1", keks);
        options.escrow = vec![AGE.to_owned()];
        options.image = Some(format!("envcrypt-kms@sha256:{}", "0123456789abcdef".repeat(4)));
        let role_id_file = "/etc/envcrypt/role-id".to_owned();
        let secret_id_file = "/etc/envcrypt/secret-id".to_owned();
        options.vault = Some(Vault {
            address: "https://vault:8200".to_owned(),
            ca: None,
            login: Some(AppRole { role_id_file, secret_id_file }),
        });
        options.starts_after_apiserver = true;
        options
    }

    fn refused(target: Target, change: impl FnOnce(&mut Options)) -> DeployError {
        let mut options = options();
        change(&mut options);
        let error = files(target, &options).expect_err("refused");
        assert_eq!(steps(target, &options).expect_err("refused"), error);
        let text = error.to_string();
        let is_lower = text.starts_with(|c: char| c.is_lowercase() || c == '`');
        assert!(is_lower && !text.ends_with('.'), "{text}");
        error
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        use DeployError as E;
        let kubeadm = Target::Kubeadm;
        let keks = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(refused(kubeadm, |o| o.keks.clear()), E::NoKek);
        for wrong in ["local", "gcpkms://", "file:///k"] {
            assert_eq!(refused(kubeadm, |o| o.keks = keks(&[wrong])), E::Kek(wrong.to_owned()));
        }
        assert_eq!(
            refused(kubeadm, |o| o.keks.push(AGE.to_owned())),
            E::AgeIsEscrow(AGE.to_owned())
        );
        assert_eq!(refused(kubeadm, |o| o.escrow.push(ARN.to_owned())), E::Twice(ARN.to_owned()));
        let alias = "awskms:///arn:aws:kms:eu-west-1:111122223333:alias/prod";
        assert_eq!(refused(kubeadm, |o| o.keks = keks(&[alias])), E::AwsKey(alias.to_owned()));
        assert!(matches!(refused(kubeadm, |o| o.vault = None), E::VaultAddress(_)));
        let no_login = |o: &mut Options| o.vault.as_mut().unwrap().login = None;
        assert!(matches!(refused(kubeadm, no_login), E::VaultLogin(_)));
        assert_eq!(refused(kubeadm, |o| o.image = None), E::NoImage("kubeadm"));
        for image in ["envcrypt-kms:v1", "@sha256:00", "a@sha256:0F"] {
            let error = refused(kubeadm, |o| o.image = Some(image.to_owned()));
            assert_eq!(error, E::ImageDigest(image.to_owned()));
            assert!(error.to_string().contains("crane digest"), "{error}");
        }
        let error = refused(Target::Daemonset, |o| o.starts_after_apiserver = false);
        assert_eq!(error, E::StartsAfterApiserver);
    }

    /// The option that is refused because of its value.
    fn wrong(target: Target, change: impl FnOnce(&mut Options)) -> &'static str {
        match refused(target, change) {
            DeployError::Value { what, .. } => what,
            error => panic!("{error}"),
        }
    }

    #[test]
    fn values_that_are_not_valid_are_refused() {
        let kubeadm = Target::Kubeadm;
        assert_eq!(wrong(kubeadm, |o| o.cluster = "a: b".to_owned()), "cluster");
        assert_eq!(wrong(kubeadm, |o| o.cluster.clear()), "cluster");
        assert_eq!(wrong(kubeadm, |o| o.cluster = "a".repeat(64)), "cluster");
        assert_eq!(wrong(kubeadm, |o| o.provider = "a:b".to_owned()), "provider");
        assert_eq!(wrong(kubeadm, |o| o.resources.clear()), "resource");
        assert_eq!(wrong(kubeadm, |o| o.resources = vec!["Secrets".to_owned()]), "resource");
        let address = |o: &mut Options| o.vault.as_mut().unwrap().address = "vault:8200".to_owned();
        assert_eq!(wrong(kubeadm, address), "address of Vault");
        let same = |o: &mut Options| {
            let login = o.vault.as_mut().unwrap().login.as_mut().unwrap();
            login.secret_id_file = "/etc/envcrypt/role-id".to_owned();
        };
        assert_eq!(wrong(kubeadm, same), "file");
    }

    #[test]
    fn a_file_of_the_login_must_be_where_the_pod_sees_it() {
        let elsewhere = |o: &mut Options| {
            o.vault.as_mut().unwrap().ca = Some("/etc/ssl/certs/ca.pem".to_owned());
        };
        assert_eq!(wrong(Target::Kubeadm, elsewhere), "file");
        let mut with_unit = options();
        elsewhere(&mut with_unit);
        assert!(files(Target::Systemd, &with_unit).is_ok(), "a unit sees every directory");
    }

    #[test]
    fn a_socket_must_be_where_the_api_server_sees_it() {
        for (target, socket) in [
            (Target::Kubeadm, "/run/kms.sock"),
            (Target::Kubeadm, "run/envcrypt/kms.sock"),
            (Target::Kubeadm, "/run/../etc/a/kms.sock"),
            (Target::Kubeadm, "/run/a b/kms.sock"),
            (Target::Systemd, "/opt/envcrypt/kms.sock"),
            (Target::Kops, "/run/envcrypt/kms.sock"),
            (Target::Kops, "/srv/kubernetes/kube-apiserver/kms.sock"),
            (Target::Minikube, "/run/envcrypt/kms.sock"),
            (Target::Talos, "/run/envcrypt/kms.sock"),
        ] {
            assert_eq!(wrong(target, |o| o.socket = Some(socket.to_owned())), "socket", "{socket}");
        }
        let long = format!("/run/{}/kms.sock", "a".repeat(90));
        assert_eq!(wrong(Target::Kubeadm, |o| o.socket = Some(long)), "socket");
        let own = "k8skms:///run/envcrypt/kms.sock".to_owned();
        assert_eq!(wrong(Target::Kubeadm, |o| o.keks = vec![own]), "socket");
    }

    #[test]
    fn an_age_identity_is_refused_and_never_shown() {
        let identity = "AGE-SECRET-KEY-1QQPQQQQ";
        for text in [identity.to_owned(), format!("age:{}", identity.to_lowercase())] {
            let error = refused(Target::Kubeadm, |o| o.escrow = vec![text]);
            assert_eq!(error, DeployError::Identity);
            assert!(!error.to_string().to_uppercase().contains("QQPQQQQ"));
        }
    }
}
