//! `create`, `unwrap` and `inspect` against a real API server.

use crate::control_plane::control_plane;
use crate::etcd::contains;
use crate::sandbox::{Run, Sandbox};
use crate::server::free_port;

/// Creates `db` in a namespace, with a literal for every pair.
fn create(sandbox: &Sandbox, namespace: &str, args: &[&str]) -> Run {
    sandbox.run(["create", "db", "-n", namespace, "--kek=local"].iter().chain(args))
}

#[test]
fn a_developer_who_may_not_read_secrets_creates_one() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    let run = create(&sandbox, &namespace, &["--from-literal=password=hunter2"]).succeeds();
    assert_eq!(run.stdout, "secret/db created\n");
    let error = sandbox.run(["unwrap", "db", "-n", &namespace]).fails(1);
    assert!(error.contains(&format!("error: you may not get Secrets in the namespace `{namespace}`\ncause: secrets \"db\" is forbidden")), "{error}");
    assert!(
        error.contains("hint: ask an administrator for the verb `get` on `secrets`"),
        "{error}"
    );
}

#[test]
fn by_name_a_secret_of_the_cluster_is_unwrapped_and_inspected() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let args =
        ["--type=basic-auth", "--from-literal=username=me", "--from-literal=password=hunter2"];
    create(&sandbox, &namespace, &args).succeeds();
    assert_eq!(
        sandbox.run(["unwrap", "db", "password", "-n", &namespace]).succeeds().stdout,
        "hunter2"
    );
    let plain = sandbox.run(["unwrap", "db", "-n", &namespace]).succeeds().stdout;
    assert!(
        plain.contains("type: kubernetes.io/basic-auth\n") && !plain.contains("managedFields"),
        "{plain}"
    );
    let table = sandbox.run(["inspect", "db", "-n", &namespace]).succeeds().stdout;
    assert!(table.contains(&format!("{namespace}/db\n")) && table.contains("password"), "{table}");
    let error = sandbox.run(["unwrap", "gone", "-n", &namespace]).fails(1);
    assert!(
        error.contains(&format!("error: the Secret `{namespace}/gone` does not exist\nhint: ")),
        "{error}"
    );
}

#[test]
fn labels_and_all_namespaces_pick_the_sealed_ones() {
    let plane = control_plane();
    let (one, two, sandbox) = (plane.namespace(), plane.namespace(), plane.sandbox("admin"));
    for namespace in [&one, &two] {
        create(&sandbox, namespace, &["--generate=a", "-l", &format!("test={one}")]).succeeds();
        plane
            .kubectl([
                "create",
                "secret",
                "generic",
                "plain",
                "-n",
                namespace,
                "--from-literal=a=b",
            ])
            .succeeds();
    }
    let names = |args: &[&str]| {
        let json = sandbox.run(["inspect", "-ojson"].iter().chain(args)).succeeds().stdout;
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let list = value.as_array().cloned().unwrap_or_else(|| vec![value]);
        list.iter()
            .map(|view| view["namespace"].as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    let selector = format!("test={one}");
    assert_eq!(names(&["-A", "-l", &selector]), [one.clone(), two.clone()]);
    assert_eq!(names(&["-n", &one, "-l", &selector]), std::slice::from_ref(&one));
    assert_eq!(names(&["-A"]).iter().filter(|name| **name == one).count(), 1);
    sandbox.run(["unwrap", "-A", "-l", &selector]).succeeds();
    let error = sandbox.run(["inspect", "-A", "-l", "test=nothing"]).fails(1);
    assert!(error.contains("there is no sealed Secret in the cluster"), "{error}");
}

#[test]
fn what_the_cluster_refuses_is_refused_before_anyone_is_asked() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    create(&sandbox, &namespace, &["--generate=a"]).succeeds();
    // Without a terminal, a prompt would be another error than these.
    let error = create(&sandbox, &namespace, &["--generate=a"]).fails(1);
    assert!(
        error.contains(&format!(
            "error: the Secret `{namespace}/db` already exists\nhint: change its values with `kubectl envcrypt set db KEY -n {namespace}`"
        )),
        "{error}"
    );
    let error = create(&sandbox, "gone", &["--generate=a"]).fails(1);
    assert!(error.contains("error: you may not create Secrets in the namespace `gone`"), "{error}");
    let admin = plane.sandbox("admin");
    let error = create(&admin, "gone", &["--generate=a"]).fails(1);
    assert!(error.contains("error: the namespace `gone` does not exist\nhint: create it with `kubectl create namespace gone`"), "{error}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    for (mode, line) in [
        ("client", "secret/db created (dry run)\n"),
        ("server", "secret/db created (server dry run)\n"),
    ] {
        let dry_run = format!("--dry-run={mode}");
        assert_eq!(
            create(&sandbox, &namespace, &["--generate=a", &dry_run]).succeeds().stdout,
            line
        );
        assert!(plane.in_etcd(&namespace, "db").is_empty());
    }
}

#[test]
fn every_built_in_type_is_taken_by_the_api_server_once_unwrapped() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a pair");
    sandbox.write("tls.pem", pair.cert.pem());
    sandbox.write("key.pem", pair.signing_key.serialize_pem());
    let types: [&[&str]; 6] = [
        &["basic-auth", "--from-literal=username=u", "--generate=password"],
        &["ssh-auth", "--from-file=ssh-privatekey=key.pem"],
        &["tls", "--cert=tls.pem", "--key=key.pem"],
        &["docker-registry", "--from-literal=.dockerconfigjson={\"auths\":{}}"],
        &["bootstrap-token", "--generate=token-id=6:lower", "--generate=token-secret=16:hex"],
        &["example.com/mine", "--generate=a"],
    ];
    for (index, args) in types.iter().enumerate() {
        let name = format!("type-{index}");
        let file = format!("{name}.yaml");
        let fixed = ["create", &name, "-n", &namespace, "--kek=local", "-w", &file, "--type"];
        sandbox.run(fixed.iter().chain(*args)).succeeds();
        sandbox.run(["apply", "--unwrap", "-f", &file]).succeeds();
    }
}

#[test]
fn connection_flags_are_kubectls() {
    let plane = control_plane();
    let namespace = plane.namespace();
    let sandbox = Sandbox::with_local_key();
    let ca = plane.ca().display().to_string();
    let create = |name: &str, args: &[&str]| {
        let fixed = ["create", name, "-n", &namespace, "--kek=local", "--generate=a"];
        sandbox.run(fixed.iter().chain(args))
    };
    let admin = plane.kubeconfig("admin").display().to_string();
    create("kubeconfig", &["--kubeconfig", &admin]).succeeds();
    let server = ["--server", &plane.server, "--token", "admin-token"];
    create("server", &[&server[..], &["--certificate-authority", &ca]].concat()).succeeds();
    create("insecure", &[&server[..], &["--insecure-skip-tls-verify"]].concat()).succeeds();
    let error = create("unverified", &server).fails(1);
    assert!(error.contains("does not answer: "), "{error}");
    let error = create(
        "name",
        &[&server[..], &["--certificate-authority", &ca, "--tls-server-name", "other.example"]]
            .concat(),
    )
    .fails(1);
    assert!(error.contains("does not answer: "), "{error}");
    create(
        "name",
        &[&server[..], &["--certificate-authority", &ca, "--tls-server-name", "localhost"]]
            .concat(),
    )
    .succeeds();
    let bad_token =
        ["--server", &plane.server, "--token", "nobody", "--certificate-authority", &ca];
    let error = create("token", &bad_token).fails(1);
    assert!(error.contains("error: the API server does not accept your credentials"), "{error}");
    // As another user, as kubectl's --as.
    let error = create("as", &["--kubeconfig", &admin, "--as", "nobody"]).fails(1);
    assert!(error.contains("User \"nobody\" cannot create"), "{error}");
    create("as", &["--kubeconfig", &admin, "--as", "nobody", "--as-group", "system:masters"])
        .succeeds();
    create(
        "uid",
        &["--kubeconfig", &admin, "--as", "developer", "--as-uid", "7", "--as-user-extra", "a=b"],
    )
    .succeeds();
    let error = create("user", &["--kubeconfig", &admin, "--user", "gone"]).fails(1);
    assert!(error.contains("error: the user `gone` does not exist"), "{error}");
    let error = create("cluster", &["--kubeconfig", &admin, "--cluster", "gone"]).fails(1);
    assert!(error.contains("error: the cluster `gone` does not exist"), "{error}");
}

#[test]
fn kubeconfig_lists_skip_what_is_missing_and_the_first_wins() {
    let plane = control_plane();
    let namespace = plane.namespace();
    let sandbox = Sandbox::with_local_key();
    let first = sandbox.write("first", format!("{{apiVersion: v1, kind: Config, contexts: [{{name: admin, context: {{cluster: test, user: admin, namespace: {namespace}}}}}]}}"));
    let list = format!("{}:/gone:{}", first.display(), plane.kubeconfig("admin").display());
    let sandbox = sandbox.env("KUBECONFIG", list);
    sandbox.run(["create", "db", "--kek=local", "--generate=a"]).succeeds();
    assert!(
        !plane.in_etcd(&namespace, "db").is_empty(),
        "the first file's namespace was not taken"
    );
}

#[test]
fn credential_plugins_are_run_and_their_output_is_never_shown() {
    let plane = control_plane();
    let namespace = plane.namespace();
    let sandbox = Sandbox::with_local_key();
    let config = |script: &str| {
        let text = plane.kubeconfig_text("admin");
        let exec = format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: ['-c', '{script}']}}"
        );
        sandbox.write("config", text.replace("token: admin-token", &exec)).display().to_string()
    };
    let good = r#"echo "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"admin-token\"}}""#;
    let run = |config: &str| {
        sandbox.run([
            "create",
            "db",
            "-n",
            &namespace,
            "--kek=local",
            "--generate=a",
            "--kubeconfig",
            config,
        ])
    };
    run(&config(good)).succeeds();
    for bad in ["echo hunter2; exit 3", "echo hunter2"] {
        let error = run(&config(bad)).fails(1);
        assert!(error.contains("the credentials of the kubeconfig cannot be used"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_proxy_is_used_unless_no_proxy_names_the_server() {
    let plane = control_plane();
    let namespace = plane.namespace();
    // Nobody listens there: whoever uses the proxy fails.
    let dead = format!("http://127.0.0.1:{}", free_port());
    let create = |sandbox: &Sandbox, name: &str| {
        sandbox.run(["create", name, "-n", &namespace, "--kek=local", "--generate=a"])
    };
    let proxied = plane.sandbox("admin").env("HTTPS_PROXY", &dead);
    assert!(create(&proxied, "db").fails(1).contains("does not answer"));
    let excepted =
        plane.sandbox("admin").env("HTTPS_PROXY", &dead).env("NO_PROXY", "example.com,127.0.0.0/8");
    create(&excepted, "db").succeeds();
    let configured = Sandbox::with_local_key();
    let text = plane
        .kubeconfig_text("admin")
        .replace("cluster: {server", &format!("cluster: {{proxy-url: '{dead}', server"));
    let path = configured.write("config", text).display().to_string();
    let configured = configured.env("KUBECONFIG", path).env("NO_PROXY", "127.0.0.1");
    assert!(create(&configured, "other").fails(1).contains("does not answer"));
}

#[test]
fn an_api_server_that_does_not_answer_in_time_is_given_up() {
    // It accepts connections and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let server = format!("--server=http://{}", silent.local_addr().expect("an address"));
    let sandbox = Sandbox::with_local_key();
    let error = sandbox
        .run([
            "create",
            "db",
            "-nprod",
            "--kek=local",
            "--generate=a",
            &server,
            "--request-timeout=300ms",
        ])
        .fails(1);
    assert!(
        error.contains("did not answer in time\nhint: allow more time with `--request-timeout`"),
        "{error}"
    );
}

#[test]
fn inside_a_pod_the_service_account_would_be_taken() {
    // Without the mounted files this is as far as it goes outside of a pod.
    let sandbox = Sandbox::with_local_key()
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", "1");
    let error = sandbox.run(["create", "db", "--kek=local", "--generate=a"]).fails(1);
    assert!(error.contains("no cluster is configured"), "{error}");
}

#[test]
fn nothing_in_the_clear_reaches_the_cluster_on_create() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    create(&sandbox, &namespace, &["--from-literal=password=hunter2-in-etcd"]).succeeds();
    let stored = plane.in_etcd(&namespace, "db");
    assert!(contains(&stored, b"envcrypt.dev/sealed"), "it is stored");
    assert!(!contains(&stored, b"hunter2-in-etcd"));
}
