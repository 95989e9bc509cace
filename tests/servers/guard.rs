//! The page about the right cluster, line by line, and that nothing reaches another one.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::api_proxy::ApiProxy;
use crate::control_plane::{ControlPlane, control_plane};
use crate::readme::{Answers, commands, install, run_line};
use crate::sandbox::Sandbox;

/// What is typed at the prompts of the page.
const ANSWERS: Answers = &[
    ("type `prod` to go ahead: ", "prod"),
    ("password: ", "hunter3"),
    ("password (again): ", "hunter3"),
];

/// A home with a kubeconfig: `prod` by an address and a file of its authority, `prod-tunnel` by
/// another address and the same authority as data, and `dev` through a proxy that sees each request.
fn sandbox(plane: &ControlPlane, proxy: &ApiProxy) -> Sandbox {
    let sandbox = Sandbox::with_local_key()
        .env("KUBECONFIG", "kubeconfig")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.com");
    install(&sandbox, &[]);
    let init = Command::new("git").args(["init", "-q"]).current_dir(sandbox.work()).status();
    assert!(init.expect("git starts").success());
    let dev = std::fs::read_to_string(proxy.kubeconfig()).expect("there");
    let dev = dev.split("server: '").nth(1).and_then(|rest| rest.split('\'').next());
    let tunnel = plane.server.replace("127.0.0.1", "localhost");
    let data = STANDARD.encode(std::fs::read(plane.ca()).expect("there"));
    let clusters = [
        (
            "prod",
            format!(
                "server: '{}', certificate-authority: '{}'",
                plane.server,
                plane.ca().display()
            ),
        ),
        ("prod-tunnel", format!("server: '{tunnel}', certificate-authority-data: {data}")),
        ("dev", format!("server: '{}'", dev.expect("its address"))),
    ];
    let mut text = "apiVersion: v1\nkind: Config\ncurrent-context: dev\nusers: [{name: admin, user: {token: admin-token}}]\n".to_owned();
    text += "clusters:\n";
    clusters
        .iter()
        .for_each(|(name, of)| text += &format!("- {{name: {name}, cluster: {{{of}}}}}\n"));
    text += "contexts:\n";
    for (name, _) in &clusters {
        text += &format!("- {{name: {name}, context: {{cluster: {name}, user: admin}}}}\n");
    }
    sandbox.write("kubeconfig", text);
    sandbox
}

/// Writes `clusters/prod/db.yaml`.
fn write(sandbox: &Sandbox, namespace: &str) {
    let create = ["create", "db", "--from-literal=password=hunter2", "--kek=local", "-oyaml"];
    let rest = ["--dry-run=client", "-n", namespace];
    sandbox
        .write("clusters/prod/db.yaml", sandbox.run(create.iter().chain(&rest)).succeeds().stdout);
}

#[test]
fn every_command_line_of_the_page_about_clusters_works() {
    let plane = control_plane();
    let (namespace, proxy) = (plane.namespace(), ApiProxy::start(plane, "admin"));
    let sandbox = sandbox(plane, &proxy);
    write(&sandbox, &namespace);
    std::fs::create_dir_all(sandbox.config()).expect("made");
    std::fs::write(sandbox.config().join("config.yaml"), "protect: ['prod*']\n").expect("written");
    let mut outputs = Vec::new();
    for line in commands(include_str!("../../docs/clusters.md")) {
        let answers = if line.contains("envcrypt set ") { ANSWERS } else { &[] };
        let line = line.replace("-n prod", &format!("-n {namespace}"));
        if line.contains("--any-cluster") {
            // The refusal that the page shows.
            let error = sandbox.run(["apply", "-f", "clusters/prod", "--context", "dev"]).fails(1);
            assert!(
                error.contains(
                    "hint: choose the cluster with `--context prod` or `--context prod-tunnel`"
                ),
                "{error}"
            );
            assert_eq!(proxy.take(), []);
        }
        outputs.push((line.clone(), run_line(&sandbox, &line, answers)));
    }
    assert!(outputs.len() >= 12, "{outputs:?}");
    let list = &outputs.iter().find(|(line, _)| line.ends_with("guard list")).expect("there").1;
    assert!(list.contains("path `clusters/prod/**`: only the CA `sha256:"), "{list}");
    let show = ["unwrap", "db", "password", "-n", &namespace];
    assert_eq!(sandbox.run(show).succeeds().stdout, "hunter3");
}

#[test]
fn nothing_of_a_file_reaches_another_cluster_than_its_own() {
    let plane = control_plane();
    let (namespace, proxy) = (plane.namespace(), ApiProxy::start(plane, "admin"));
    let sandbox = sandbox(plane, &proxy);
    write(&sandbox, &namespace);
    sandbox.run(["guard", "add", "clusters/prod", "--context", "prod"]).succeeds();
    assert!(!sandbox.read(".envcrypt.yaml").contains("server"), "a local address says nothing");
    for args in [
        &["apply", "-f", "clusters/prod"][..],
        &["apply", "--unwrap", "-f", "clusters/prod/db.yaml"],
        &["apply", "-R", "-f", ".", "--dry-run=server"],
        &["apply", "-f", "clusters/prod", "--restart", "--yes"],
    ] {
        let error = sandbox.run(args).fails(1);
        assert!(error.contains("db.yaml` is not for the cluster in use"), "{error}");
    }
    let error = sandbox.run(["diff", "-f", "clusters/prod"]).fails(2);
    assert!(error.contains("is not for the cluster in use"), "{error}");
    // The credential plugin of the context is not run for it either.
    let exec = "- {name: dev, context: {cluster: dev, user: exec}}\nusers: [{name: exec, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [ran], interactiveMode: Never}}}]\n";
    let kubeconfig = sandbox.read("kubeconfig");
    let (head, rest) = kubeconfig.split_once("users: ").expect("users");
    let rest = rest
        .split_once('\n')
        .expect("a line")
        .1
        .replace("- {name: dev, context: {cluster: dev, user: admin}}\n", exec);
    sandbox.write("exec", format!("{head}{rest}"));
    let with_exec = ["-f", "clusters/prod", "--kubeconfig", "exec"];
    sandbox.run(["apply"].iter().chain(&with_exec)).fails(1);
    sandbox.run(["diff"].iter().chain(&with_exec)).fails(2);
    assert!(!sandbox.work().join("ran").exists());
    assert_eq!(proxy.take(), []);
    // The same plane under both of its own names.
    for context in ["prod", "prod-tunnel"] {
        sandbox.run(["apply", "-f", "clusters/prod", "--context", context]).succeeds();
    }
    sandbox.run(["diff", "-f", "clusters/prod", "--any-cluster"]).succeeds();
    assert!(!proxy.take().is_empty());
    sandbox.run(["diff", "--any-cluster"].iter().chain(&with_exec));
    assert!(sandbox.work().join("ran").exists(), "otherwise it is run");
}
