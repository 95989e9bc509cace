//! `clusters` in `.envcrypt.yaml`, `guard`, and `protect` in the settings.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::sandbox::Sandbox;
use crate::terminal::{answer, ends, see, session};

/// A server that only counts its connections, and closes them.
struct Server {
    port: u16,
    seen: Receiver<SocketAddr>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, seen) = channel();
        std::thread::spawn(move || {
            while listener.accept().is_ok_and(|(_, peer)| sender.send(peer).is_ok()) {}
        });
        Self { port, seen }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// How many connections there were since the last time.
    fn connections(&self) -> usize {
        // Connections are accepted in their order, so this one of the test is the last.
        let own = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        let own = own.local_addr().expect("an address");
        std::iter::from_fn(|| self.seen.recv().ok()).take_while(|peer| *peer != own).count()
    }
}

/// A certificate of an authority: PEM, and its fingerprint.
fn authority(name: &str) -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, name);
    let certificate = ca.self_signed(&key).expect("a certificate");
    let digest = Sha256::digest(certificate.der());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    (certificate.pem(), format!("sha256:{hex}"))
}

/// Writes a kubeconfig with a context for each cluster; the first one is current.
fn kubeconfig(sandbox: &Sandbox, clusters: &[(&str, &str)]) {
    let mut text = format!("apiVersion: v1\nkind: Config\ncurrent-context: {}\n", clusters[0].0);
    text += "users: [{name: u, user: {}}]\nclusters:\n";
    for (name, cluster) in clusters {
        text += &format!("- {{name: {name}, cluster: {cluster}}}\n");
    }
    text += "contexts:\n";
    for (name, _) in clusters {
        text += &format!("- {{name: {name}, context: {{cluster: {name}, user: u}}}}\n");
    }
    sandbox.write("kubeconfig", text);
}

/// With the sealed file `clusters/prod/db.yaml`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_local_key().env("KUBECONFIG", "kubeconfig");
    std::fs::create_dir(sandbox.work().join(".git")).expect("made");
    sandbox.write("clusters/prod/db.yaml", sandbox.sealed(&["password=hunter2"]));
    sandbox
}

/// Every command that sends a file's Secret.
const SEND: [&[&str]; 5] = [
    &["apply", "-f", "clusters/prod/db.yaml"],
    &["apply", "-R", "-f", "."],
    &["apply", "--unwrap", "-f", "clusters/prod/db.yaml"],
    &["apply", "--dry-run=server", "-f", "clusters/../clusters/prod/db.yaml"],
    &["diff", "-f", "clusters/prod/db.yaml"],
];

fn code(args: &[&str]) -> i32 {
    if args[0] == "diff" { 2 } else { 1 }
}

#[test]
fn a_file_for_another_cluster_is_refused_before_the_first_request() {
    let (sandbox, server) = (sandbox(), Server::start());
    let (pem, ca) = authority("dev");
    sandbox.write("ca.pem", pem);
    let dev = format!("{{server: '{}', certificate-authority: ca.pem}}", server.url());
    kubeconfig(&sandbox, &[("dev", &dev), ("prod-eu", "{server: 'https://Prod.Example:443'}")]);
    sandbox.write(
        ".envcrypt.yaml",
        "clusters:\n- path: other/**\n  only: [{context: x}]\n- path: clusters/prod/**\n  only: [{server: 'https://prod.example'}]\n",
    );
    for args in SEND {
        let error = sandbox.run(args).fails(code(args));
        assert!(error.contains("prod/db.yaml` is not for the cluster in use"), "{error}");
        for part in [
            "entry 2 of `clusters` in `",
            "/.envcrypt.yaml` allows only the server `https://prod.example`",
            &format!("the server `{}`, the CA `{ca}` and the context `dev`", server.url()),
            "`--context prod-eu`",
            "`kubectl envcrypt guard add clusters/prod`",
            "`--any-cluster`",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    assert_eq!(server.connections(), 0);
    // Nothing of the plugin's own goes to the cluster, so nothing is refused.
    sandbox.run(["apply", "--dry-run=client", "-f", "clusters/prod/db.yaml"]).succeeds();
    for args in SEND {
        let error = sandbox.run([args, &["--any-cluster"]].concat()).stderr;
        assert!(!error.contains("not for the cluster"), "{error}");
    }
    assert!(server.connections() > 0, "the flag lets it through");
}

#[test]
fn links_and_other_ways_to_write_a_path_lead_to_the_same_entry() {
    let (sandbox, server) = (sandbox(), Server::start());
    kubeconfig(&sandbox, &[("dev", &format!("{{server: '{}'}}", server.url()))]);
    sandbox
        .write(".envcrypt.yaml", "clusters: [{path: 'clusters/prod/**', only: [{context: prod}]}]");
    std::os::unix::fs::symlink("clusters/prod", sandbox.work().join("link")).expect("linked");
    let absolute = sandbox.work().join("clusters/prod/db.yaml").display().to_string();
    for path in ["link/db.yaml", "link", "./clusters/prod", "link/../prod/db.yaml", &absolute] {
        let error = sandbox.run(["apply", "-f", path]).fails(1);
        assert!(error.contains("is not for the cluster in use"), "{path}: {error}");
    }
    // Several files: none is sent.
    sandbox.write("free.yaml", sandbox.sealed(&["a=b"]));
    let error = sandbox.run(["apply", "-f", "free.yaml,clusters/prod/db.yaml"]).fails(1);
    assert!(error.contains("`clusters/prod/db.yaml` is not for"), "{error}");
    // Nor is a KEK consented to, which comes later.
    let stranger = Sandbox::with_local_key();
    sandbox.write("free.yaml", stranger.sealed(&["a=b"]));
    let error = sandbox.run(["apply", "--unwrap", "-f", "free.yaml,clusters/prod"]).fails(1);
    assert!(error.contains("`clusters/prod/db.yaml` is not for"), "{error}");
    let error = sandbox.run(["diff", "-f", "free.yaml,clusters/prod/db.yaml"]).fails(2);
    assert!(error.contains("`clusters/prod/db.yaml` is not for"), "{error}");
    assert_eq!(server.connections(), 0);
    // A link to a file meets the entries of both of its places.
    let link = sandbox.work().join("clusters/dev/l.yaml");
    std::fs::create_dir_all(sandbox.work().join("clusters/dev")).expect("made");
    std::os::unix::fs::symlink("../prod/db.yaml", link).expect("linked");
    let refused = |path: &str| {
        let error = sandbox.run(["apply", "--dry-run=server", "-f", path]).fails(1);
        error.contains("is not for the cluster in use")
    };
    assert!(refused("clusters/dev/l.yaml"));
    for path in ["clusters/dev/**", "link/**"] {
        let entry = format!("clusters: [{{path: '{path}', only: [{{context: prod}}]}}]");
        sandbox.write(".envcrypt.yaml", entry);
        let linked = if path == "link/**" { "link/db.yaml" } else { "clusters/dev/l.yaml" };
        assert!(refused(linked), "{path}");
        assert!(!refused("clusters/prod/db.yaml"), "{path}");
    }
}

#[test]
fn a_nested_file_switches_the_list_above_it_off_only_with_its_own() {
    let (sandbox, server) = (sandbox(), Server::start());
    let clusters =
        [("dev", &*format!("{{server: '{}'}}", server.url())), ("prod", "{server: 'https://p'}")];
    kubeconfig(&sandbox, &clusters);
    sandbox.run(["guard", "add", "clusters/prod", "--context", "prod"]).succeeds();
    let _ = server.connections();
    for nested in ["rules: []", "rules: [{keks: [local]}]\nclusters:\n", "clusters: []"] {
        sandbox.write("clusters/prod/.envcrypt.yaml", nested);
        let error = sandbox.run(["apply", "--dry-run=server", "-f", "clusters/prod"]).fails(1);
        assert!(error.contains("is not for the cluster in use"), "{nested}: {error}");
        let list = sandbox.run(["guard", "list", "clusters/prod"]).succeeds().stdout;
        assert!(list.contains("1. path `clusters/prod/**`: only"), "{list}");
        let add = sandbox.run(["guard", "add", "clusters/prod", "--context", "prod"]).succeeds();
        assert!(add.stdout.contains("already"), "{}", add.stdout);
    }
    assert_eq!(server.connections(), 0);
    sandbox.write("clusters/prod/.envcrypt.yaml", "clusters: [{only: [{context: dev}]}]");
    let error = sandbox.run(["apply", "--dry-run=server", "-f", "clusters/prod"]).fails(1);
    assert!(!error.contains("is not for the cluster"), "{error}");
    assert!(server.connections() > 0);
}

#[test]
fn guard_add_leaves_out_an_authority_that_another_cluster_has() {
    let sandbox = sandbox();
    let ca = format!("certificate-authority-data: {}", STANDARD.encode(authority("company").0));
    let with = |server: &str| format!("{{server: '{server}', {ca}}}");
    let clusters = [
        ("prod", &*with("https://prod.example")),
        ("dev", &with("https://dev.example")),
        ("admin", &with("https://PROD.example:443/")),
        ("kind", &with("https://127.0.0.1:6443")),
    ];
    kubeconfig(&sandbox, &clusters);
    let run = sandbox.run(["guard", "add", "clusters/prod"]).succeeds();
    assert!(run.stderr.contains("these contexts of this machine, too: `admin`"), "{}", run.stderr);
    let text = sandbox.read(".envcrypt.yaml");
    assert!(text.ends_with("only:\n  - server: 'https://prod.example'\n"), "{text}");
    let error = sandbox.run(["apply", "-f", "clusters/prod", "--context", "dev"]).fails(1);
    assert!(error.contains("is not for the cluster in use"), "{error}");
    let run = sandbox.run(["guard", "add", "clusters/prod", "--context", "kind"]).succeeds();
    assert!(run.stderr.contains("too: `prod`, `admin`\n"), "{}", run.stderr);
    assert!(sandbox.read(".envcrypt.yaml").ends_with("    context: 'kind'\n"));
    // Two addresses of this machine with one port are one cluster.
    let clusters = [
        ("one", &*with("https://127.0.0.1:6443")),
        ("two", &with("https://localhost.:6443")),
        ("three", &with("https://[::ffff:127.0.0.1]:6443")),
        ("four", &with("https://2130706433:6443")),
    ];
    kubeconfig(&sandbox, &clusters);
    std::fs::remove_file(sandbox.work().join(".envcrypt.yaml")).expect("removed");
    for context in ["one", "two", "three", "four"] {
        sandbox.run(["guard", "add", "clusters/prod", "--context", context]).succeeds();
        let text = sandbox.read(".envcrypt.yaml");
        assert!(text.contains("only:\n  - ca: ") && text.lines().count() == 4, "{text}");
    }
    // A file without a certificate is no authority.
    sandbox.write("empty.pem", "");
    kubeconfig(&sandbox, &[("e", "{server: 'https://e', certificate-authority: empty.pem}")]);
    let error = sandbox.run(["guard", "add", "clusters/prod"]).fails(1);
    assert!(error.contains("has no certificate"), "{error}");
}

#[test]
fn the_password_of_a_url_is_neither_written_nor_printed() {
    let sandbox = sandbox();
    kubeconfig(&sandbox, &[("prod", "{server: 'https://user:hunter2@127.0.0.1:1'}")]);
    sandbox.run(["guard", "add", "clusters/prod"]).succeeds();
    let text = sandbox.read(".envcrypt.yaml");
    assert!(text.contains("server: 'https://127.0.0.1:1'\n"), "{text}");
    let list = sandbox.run(["guard", "list"]).succeeds();
    let sent = sandbox.run(["apply", "-f", "clusters/prod"]).fails(1);
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local], cluster: 'https://x'}]");
    let rule = sandbox.run(["apply", "-f", "clusters/prod"]).fails(1);
    sandbox.write(".envcrypt.yaml", "clusters: [{only: [{context: x}]}]");
    let refused = sandbox.run(["apply", "-f", "clusters/prod"]).fails(1);
    for text in [list.stdout, list.stderr, sent, rule, refused] {
        assert!(!text.contains("hunter2") && !text.contains("user"), "{text}");
    }
}

#[test]
fn the_list_warns_of_a_path_that_matches_no_file() {
    let sandbox = sandbox();
    kubeconfig(&sandbox, &[("dev", "{server: 'https://127.0.0.1:1'}")]);
    let paths = ["clusters/prod", "clusters/gone/**", "clusters/prod/**", "clusters/prod/*.yaml"];
    let entries = paths.map(|path| format!("{{path: '{path}', only: [{{context: a}}]}}"));
    sandbox.write(".envcrypt.yaml", format!("clusters: [{}]", entries.join(", ")));
    let list = sandbox.run(["guard", "list"]).succeeds().stderr;
    let warnings: Vec<_> = list.lines().filter(|line| line.contains("matches no file")).collect();
    assert_eq!(
        warnings,
        [
            "warning: the path `clusters/prod` of entry 1 matches no file: write `clusters/prod/**`",
            "warning: the path `clusters/gone/**` of entry 2 matches no file",
        ]
    );
}

#[test]
fn a_refusal_names_the_flag_to_leave_out_and_not_the_context_in_use() {
    let sandbox = sandbox();
    let (pem, ca) = authority("prod");
    let data = STANDARD.encode(pem);
    let prod = format!("{{server: 'https://prod', certificate-authority-data: {data}}}");
    kubeconfig(&sandbox, &[("admin", &prod), ("dev", "{server: 'https://dev'}")]);
    sandbox.write(".envcrypt.yaml", format!("clusters: [{{only: [{{ca: '{ca}'}}]}}]"));
    for flags in [&["--insecure-skip-tls-verify"][..], &["--cluster", "dev"]] {
        let args = ["apply", "-f", "clusters/prod"];
        let error = sandbox.run(args.iter().chain(flags)).fails(1);
        assert!(error.contains(&format!("hint: leave out `{}`", flags[0])), "{error}");
        assert!(!error.contains("--context"), "{error}");
    }
    let error = sandbox.run(["apply", "-f", "clusters/prod", "--context", "dev"]).fails(1);
    assert!(error.contains("hint: choose the cluster with `--context admin`"), "{error}");
}

#[test]
fn a_pipe_is_refused_before_the_credential_plugin_runs() {
    let sandbox = sandbox();
    kubeconfig(&sandbox, &[("dev", "{server: 'https://127.0.0.1:1'}")]);
    let exec = "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [ran], interactiveMode: Never}}";
    let text = sandbox.read("kubeconfig").replace("user: {}", exec);
    sandbox.write("kubeconfig", text);
    let sealed = sandbox.sealed(&["a=b"]);
    sandbox.write(".envcrypt.yaml", "clusters: [{only: [{context: prod}]}]");
    for command in ["apply", "diff"] {
        let error = sandbox.pipe(&sealed, [command, "-f", "-"]).fails(code(&[command]));
        assert!(error.contains("is not for the cluster"), "{error}");
        assert!(!sandbox.work().join("ran").exists(), "{command}");
    }
    sandbox.pipe(&sealed, ["diff", "-f", "-", "--any-cluster"]).fails(2);
    assert!(sandbox.work().join("ran").exists(), "otherwise it runs");
}

#[test]
fn a_pipe_has_only_entries_without_a_path() {
    let (sandbox, server) = (sandbox(), Server::start());
    kubeconfig(&sandbox, &[("dev", &format!("{{server: '{}'}}", server.url()))]);
    let sealed = sandbox.sealed(&["a=b"]);
    sandbox.write(".envcrypt.yaml", "clusters: [{namespace: 'prod*', only: [{context: prod}]}]");
    for command in ["apply", "diff"] {
        let error = sandbox.pipe(&sealed, [command, "-f", "-"]).fails(code(&[command]));
        assert!(error.contains("error: the Secret `prod/db` is not for the cluster"), "{error}");
    }
    let create = ["create", "db", "--generate=a", "--kek=local", "-n", "prod"];
    let error = sandbox.run(create).fails(1);
    assert!(error.contains("the Secret `prod/db` is not for the cluster in use"), "{error}");
    assert_eq!(server.connections(), 0);
    for free in ["{namespace: dev", "{path: '**'"] {
        sandbox.write(".envcrypt.yaml", format!("clusters: [{free}, only: [{{context: prod}}]}}]"));
        let error = sandbox.pipe(&sealed, ["apply", "-f", "-"]).fails(1);
        assert!(!error.contains("is not for the cluster"), "{error}");
    }
}

/// The certificate of the authority tells a cluster on every machine.
#[test]
fn the_authority_is_known_from_a_file_from_data_and_among_several() {
    let (sandbox, server) = (sandbox(), Server::start());
    let ((one, ca), (other, _)) = (authority("one"), authority("other"));
    let both = format!("# a bundle\n{other}{one}");
    sandbox.write("one.pem", &one);
    sandbox.write("both.pem", &both);
    let url = server.url();
    let with = |rest: &str| format!("{{server: '{url}', {rest}}}");
    let data = STANDARD.encode(&both);
    let data = with(&format!("certificate-authority-data: {data}"));
    let (file, bundle) =
        (with("certificate-authority: one.pem"), with("certificate-authority: both.pem"));
    let other = with(&format!("certificate-authority-data: {}", STANDARD.encode(&other)));
    sandbox.write(".envcrypt.yaml", format!("clusters: [{{only: [{{ca: '{ca}'}}]}}]"));
    let run = |context: &str, more: &[&str]| {
        let args = ["apply", "-f", "clusters/prod", "--context", context];
        sandbox.run(args.iter().chain(more)).fails(1).contains("is not for the cluster in use")
    };
    let skip = with("insecure-skip-tls-verify: true");
    let clusters = [
        ("file", &*file),
        ("data", &data),
        ("bundle", &bundle),
        ("other", &other),
        ("system", &with("")),
        ("skip", &skip),
    ];
    kubeconfig(&sandbox, &clusters);
    for context in ["file", "data", "bundle"] {
        assert!(!run(context, &[]), "{context}");
    }
    for context in ["other", "system", "skip"] {
        assert!(run(context, &[]), "{context}");
    }
    // A flag replaces what the kubeconfig has.
    assert!(run("file", &["--insecure-skip-tls-verify"]));
    assert!(!run("other", &["--certificate-authority", "one.pem"]));
    let error = sandbox.run(["apply", "-f", "clusters/prod", "--context", "skip"]).fails(1);
    assert!(error.contains("no CA of its own"), "{error}");
}

#[test]
fn a_missing_authority_or_context_is_an_error_and_no_permission() {
    let sandbox = sandbox();
    sandbox.write(".envcrypt.yaml", "clusters: [{only: [{context: gone}]}]");
    let gone = "{server: 'https://127.0.0.1:1', certificate-authority: gone.pem}";
    kubeconfig(&sandbox, &[("dev", gone)]);
    let error = sandbox.run(["apply", "-f", "clusters/prod"]).fails(1);
    assert!(error.contains("gone.pem"), "{error}");
    let error = sandbox.run(["apply", "-f", "clusters/prod", "--context", "gone"]).fails(1);
    assert!(error.contains("gone"), "{error}");
    sandbox.write("kubeconfig", "apiVersion: v1\nkind: Config\n");
    sandbox.run(["apply", "-f", "clusters/prod"]).fails(1);
}

#[test]
fn guard_add_writes_the_cluster_once_and_keeps_the_rest() {
    let sandbox = sandbox();
    let (pem, ca) = authority("prod");
    let (other_pem, other_ca) = authority("other");
    let with_ca = |server: &str, pem: &str| {
        let data = STANDARD.encode(pem);
        format!("{{server: '{server}', certificate-authority-data: {data}}}")
    };
    let with = |server: &str| with_ca(server, &authority(server).0);
    kubeconfig(
        &sandbox,
        &[
            ("prod", &with_ca("https://Prod.Example:443/", &pem)),
            ("local", &with_ca("https://127.0.0.1:6443", &other_pem)),
            ("rancher", &with("https://rancher.example/k8s/clusters/c-1")),
            ("six", "{server: 'https://[fd00::1]:6443'}"),
            ("tunnel", "{server: 'http://localhost:8001'}"),
            ("roots", "{server: 'https://roots.example'}"),
        ],
    );
    // Without a file, the top of the repository gets one.
    let run = sandbox.run(["guard", "add", "clusters/prod"]).succeeds();
    assert!(
        run.stdout.starts_with("`clusters/prod/**` may go to this cluster: written to /"),
        "{}",
        run.stdout
    );
    let first = format!(
        "clusters:\n- path: 'clusters/prod/**'\n  only:\n  - server: 'https://prod.example'\n  - ca: '{ca}'\n"
    );
    assert_eq!(sandbox.read(".envcrypt.yaml"), first);
    let run = sandbox.run(["guard", "add", "clusters/../clusters/prod/"]).succeeds();
    assert!(run.stdout.contains("already"), "{}", run.stdout);
    assert_eq!(sandbox.read(".envcrypt.yaml"), first);
    // Another cluster for the same path; comments and rules stay.
    let before = format!("# ours\nrules: [{{keks: [local]}}]   # all\n{first}# the end\n");
    sandbox.write(".envcrypt.yaml", &before);
    for (context, new) in [
        ("local", &*format!("  - ca: '{other_ca}'\n")),
        ("rancher", "  - server: 'https://rancher.example/k8s/clusters/c-1'\n"),
        ("six", "  - server: 'https://[[]fd00::1[]]:6443'\n"),
        ("tunnel", "  - server: 'http://localhost:8001'\n    context: 'tunnel'\n"),
        ("roots", "  - server: 'https://roots.example'\n"),
    ] {
        let before = sandbox.read(".envcrypt.yaml");
        sandbox.run(["guard", "add", "clusters/prod", "--context", context]).succeeds();
        let expected = before.replace("# the end", &format!("{new}# the end"));
        assert_eq!(sandbox.read(".envcrypt.yaml"), expected, "{context}");
    }
    for context in ["prod", "local", "rancher", "six", "tunnel", "roots"] {
        let list = sandbox.run(["guard", "list", "--context", context]).succeeds().stdout;
        assert!(list.contains("1. path `clusters/prod/**`: only the server"), "{list}");
        assert!(list.contains("; the cluster in use is allowed"), "{context}: {list}");
    }
}

#[test]
fn guard_add_makes_what_it_writes_the_first_match() {
    let sandbox = sandbox();
    kubeconfig(&sandbox, &[("prod", "{server: 'https://prod.example'}")]);
    sandbox.write(".envcrypt.yaml", "clusters:\n# all\n- path: '**'\n  only: [{context: dev}]\n");
    sandbox.run(["guard", "add", "clusters/prod/db.yaml"]).succeeds();
    let text = sandbox.read(".envcrypt.yaml");
    assert_eq!(
        text,
        "clusters:\n- path: 'clusters/prod/db.yaml'\n  only:\n  - server: 'https://prod.example'\n# all\n- path: '**'\n  only: [{context: dev}]\n"
    );
    // Where another entry is first, there is no place where it would count.
    sandbox.write(
        ".envcrypt.yaml",
        "clusters: [{path: 'clusters/**', only: [{context: dev}]}, {path: 'clusters/prod/**', only: [{context: dev}]}]",
    );
    let error = sandbox.run(["guard", "add", "clusters/prod"]).fails(1);
    assert!(error.contains("move entry 2 before entry 1"), "{error}");
    // What is written in an odd way stays as it is, and the person gets the text.
    let odd = "x: &x [{context: dev}]\n";
    sandbox.write(".envcrypt.yaml", odd);
    sandbox.run(["guard", "add", "."]).fails(1);
    sandbox.write(".envcrypt.yaml", "rules: []\n...\n");
    let error = sandbox.run(["guard", "add", "."]).fails(1);
    assert!(error.contains("hint: add this by hand: clusters: [{path: '**', only:"), "{error}");
    assert_eq!(sandbox.read(".envcrypt.yaml"), "rules: []\n...\n");
}

#[test]
fn guard_add_finds_its_place_without_a_repository_and_says_what_is_missing() {
    let sandbox = Sandbox::new().env("KUBECONFIG", "kubeconfig");
    std::fs::create_dir_all(sandbox.work().join("a [b]/c")).expect("made");
    let error = sandbox.run(["guard", "add", "a [b]"]).fails(1);
    assert!(error.contains("cluster"), "{error}");
    kubeconfig(&sandbox, &[("prod", "{server: 'https://prod.example'}")]);
    sandbox.run(["guard", "list"]).succeeds();
    let error = sandbox.run(["guard", "add", "gone"]).fails(1);
    assert!(error.contains("`gone` cannot be read"), "{error}");
    sandbox.run(["guard", "add", "a [b]/c"]).succeeds();
    let text = sandbox.read(".envcrypt.yaml");
    assert!(text.contains("- path: 'a [[]b[]]/c/**'"), "{text}");
    assert_eq!(crate::sandbox::mode(&sandbox.work().join(".envcrypt.yaml")), 0o644);
    let list = sandbox.run(["guard", "list", "a [b]"]).succeeds();
    assert!(list.stdout.contains("is allowed"), "{}", list.stdout);
    assert!(
        list.stderr
            .contains("the server `https://prod.example`, no CA of its own and the context `prod`"),
        "{}",
        list.stderr
    );
    // A directory that nobody may write to.
    use std::os::unix::fs::PermissionsExt;
    if !nix::unistd::geteuid().is_root() {
        let folder = sandbox.work();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).expect("set");
        sandbox.run(["guard", "add", "."]).fails(1);
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("set");
    }
}

#[test]
fn an_invalid_entry_is_an_error_with_its_number() {
    let sandbox = sandbox();
    kubeconfig(&sandbox, &[("dev", "{server: 'https://127.0.0.1:1'}")]);
    for (entry, expected) in [
        ("{only: []}", "entry 2 of `clusters`: its `only` names no cluster"),
        (
            "{only: [{ca: 'sha256:12'}]}",
            "entry 2 of `clusters`: a `ca` is not `sha256:` and 64 hex",
        ),
        ("{path: '[', only: [{context: a}]}", "its `path` is not a valid pattern"),
        ("{only: [{contxt: a}]}", "line 1, column"),
        ("{paths: a, only: [{context: a}]}", "it is not an entry of `clusters`: `only` with any"),
        ("{path: ./a, only: [{context: a}]}", "its `path` can match no file: write it from"),
    ] {
        let text = format!("clusters: [{{path: a, only: [{{context: a}}]}}, {entry}]");
        sandbox.write(".envcrypt.yaml", text);
        let error = sandbox.run(["apply", "-f", "clusters/prod"]).fails(1);
        assert!(error.contains(expected), "{error}");
    }
}

/// A file with `clusters` alone says nothing of KEKs.
#[test]
fn clusters_alone_do_not_change_what_check_finds() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    let other = Sandbox::new();
    other.write("db.yaml", sandbox.read("db.yaml"));
    other.write(".envcrypt.yaml", "clusters: [{only: [{context: a}]}]");
    let run = other.run(["check", "."]).succeeds();
    assert!(run.stderr.contains("were not checked"), "{}", run.stderr);
}

/// Every command that changes objects of the cluster by their names.
const LIVE: [&[&str]; 9] = [
    &["create", "db", "--generate=a", "--kek=local"],
    &["set", "db", "--generate=a"],
    &["unset", "db", "a"],
    &["edit", "db"],
    &["rotate", "db"],
    &["rewrap", "-A", "--renew"],
    &["seal", "db", "--replace", "--yes", "--kek=local"],
    &["unwrap", "db", "--replace", "--yes"],
    &["restart", "db", "--yes"],
];

#[test]
fn a_protected_context_must_be_named_before_anything_live_changes() {
    let (sandbox, server) = (sandbox(), Server::start());
    let cluster = format!("{{server: '{}'}}", server.url());
    kubeconfig(&sandbox, &[("prod-eu", &cluster), ("dev", &cluster)]);
    std::fs::create_dir_all(sandbox.config()).expect("made");
    std::fs::write(sandbox.config().join("config.yaml"), "protect: [prod-*]\n").expect("written");
    let reencrypt: &[&str] = &["at-rest", "reencrypt", "secrets"];
    for args in LIVE.into_iter().chain([reencrypt]) {
        let error = sandbox.run(args).fails(1);
        assert!(error.contains("your settings protect the context `prod-eu`"), "{args:?} {error}");
        assert!(
            error.contains("hint: to go ahead, name the context: `--context prod-eu`"),
            "{error}"
        );
    }
    assert_eq!(server.connections(), 0);
    for context in ["prod-eu", "dev"] {
        for args in LIVE {
            let error = sandbox.run([args, &["--context", context]].concat()).fails(1);
            assert!(!error.contains("protect"), "{args:?} {error}");
        }
    }
    // What changes nothing is not asked for.
    for args in [
        &["rotate", "db", "--dry-run"][..],
        &["set", "db", "--generate=a", "--dry-run"],
        &["seal", "db", "--kek=local"],
        &["create", "db", "--generate=a", "--kek=local", "--dry-run=server"],
        &["get"],
        &["unwrap", "db"],
    ] {
        let error = sandbox.run(args).fails(1);
        assert!(!error.contains("protect"), "{args:?} {error}");
    }
    for args in [
        &["create", "new", "--generate=a", "--kek=local", "-w", "new.yaml"][..],
        &["set", "-f", "new.yaml", "--generate=a"],
    ] {
        sandbox.run(args).succeeds();
    }
    std::fs::write(sandbox.config().join("config.yaml"), "protect: ['[x']\n").expect("written");
    let error = sandbox.run(["set", "db", "--generate=a"]).fails(1);
    assert!(error.contains("entry 1 of its `protect` is not a valid pattern"), "{error}");
}

#[test]
fn the_name_of_a_protected_context_is_typed_once() {
    let (sandbox, server) = (sandbox(), Server::start());
    kubeconfig(&sandbox, &[("prod-eu", &format!("{{server: '{}'}}", server.url()))]);
    std::fs::create_dir_all(sandbox.config()).expect("made");
    std::fs::write(sandbox.config().join("config.yaml"), "protect: [prod-*]\n").expect("written");
    for wrong in ["", "y", "prod"] {
        let mut session = session(&sandbox, &["set", "db", "password"]);
        see(&mut session, "your settings protect its context `prod-eu`; go on?");
        answer(&mut session, "type `prod-eu` to go ahead: ", wrong);
        let rest = ends(session, 1);
        assert!(rest.contains("nothing was done: you did not type"), "{rest}");
    }
    assert_eq!(server.connections(), 0);
    let mut session = session(
        &sandbox,
        &["seal", "db", "--replace", "--yes", "--kek=local", "--request-timeout=1s"],
    );
    answer(&mut session, "type `prod-eu` to go ahead: ", "prod-eu");
    let rest = session.exp_eof().expect("it ends");
    assert!(!rest.contains("type `prod-eu`"), "{rest}");
    assert!(server.connections() > 0);
}

#[test]
fn completion_offers_contexts_and_the_words_of_guard() {
    let sandbox = sandbox();
    kubeconfig(&sandbox, &[("one", "{server: a}"), ("two", "{server: b}")]);
    let complete =
        |words: &[&str]| sandbox.run(["__complete", "--"].iter().chain(words)).succeeds().stdout;
    assert!(complete(&["guard", ""]).starts_with("add\t"), "{}", complete(&["guard", ""]));
    assert_eq!(complete(&["guard", "add", "--context", ""]), "one\ntwo\n:4\n");
    assert!(complete(&["guard", "add", "clu"]).contains("clusters"));
    assert!(complete(&["apply", "--any"]).contains("--any-cluster"));
}

/// It may prompt, so it runs no more often than for kubectl. A token near its end is renewed.
#[test]
fn a_credential_plugin_runs_once_for_a_token_that_lasts() {
    let (sandbox, server) = (sandbox(), Server::start());
    let context = format!("{{server: '{}', insecure-skip-tls-verify: true}}", server.url());
    kubeconfig(&sandbox, &[("dev", &context)]);
    let exec = "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [plugin.sh], interactiveMode: Never}}";
    let text = sandbox.read("kubeconfig").replace("user: {}", exec);
    sandbox.write("kubeconfig", text);
    for (end, expected) in [("2999-01-01T00:00:00Z", 1), ("2020-01-01T00:00:00Z", 2)] {
        let credential = format!(
            "{{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {{\"token\": \"t\", \"expirationTimestamp\": \"{end}\"}}}}"
        );
        sandbox.write("plugin.sh", format!("echo ran >> runs\necho '{credential}'\n"));
        sandbox.write("runs", "");
        sandbox.run(["get", "-n", "prod", "--request-timeout=2s"]).fails(1);
        let runs = sandbox.read("runs").lines().count();
        assert!(runs >= expected && (expected > 1 || runs == 1), "{end}: {runs}");
    }
}
