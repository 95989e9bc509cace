//! Workloads that use Secrets: restarted by `apply --restart`, and run with `exec` as
//! their entrypoint.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, control_plane};
use crate::kms::{REGION, kms, with_kms};
use crate::sandbox::{PROGRAM, Sandbox};

/// A workload with a pod that has these fields beside its image.
fn workload(kind: &str, namespace: &str, name: &str, container: Value, pod: Value) -> String {
    let mut spec = pod;
    let mut first = json!({ "name": "c", "image": "i" });
    first.as_object_mut().expect("a map").extend(container.as_object().expect("a map").clone());
    spec["containers"] = json!([first]);
    let batch = matches!(kind, "Job" | "CronJob");
    if batch {
        spec["restartPolicy"] = "Never".into();
    }
    let template = json!({ "metadata": { "labels": { "app": name } }, "spec": spec });
    let spec = match kind {
        "Job" => json!({ "template": template }),
        "CronJob" => {
            json!({ "schedule": "0 0 * * *", "jobTemplate": { "spec": { "template": template } } })
        }
        _ => json!({ "selector": { "matchLabels": { "app": name } }, "template": template }),
    };
    let version = if batch { "batch/v1" } else { "apps/v1" };
    json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name, "namespace": namespace }, "spec": spec }).to_string()
}

fn deploy(plane: &ControlPlane, namespace: &str) {
    let env = || json!({ "env": [{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "db", "key": "a" } } }] });
    for manifest in [
        workload("Deployment", namespace, "web", env(), json!({})),
        workload(
            "StatefulSet",
            namespace,
            "set",
            json!({ "envFrom": [{ "secretRef": { "name": "db" } }] }),
            json!({}),
        ),
        workload(
            "DaemonSet",
            namespace,
            "daemon",
            json!({}),
            json!({ "volumes": [{ "name": "v", "projected": { "sources": [{ "secret": { "name": "db" } }] } }] }),
        ),
        workload("CronJob", namespace, "cron", env(), json!({})),
        workload("Job", namespace, "job", env(), json!({})),
        workload(
            "Deployment",
            namespace,
            "other",
            json!({}),
            json!({ "imagePullSecrets": [{ "name": "else" }] }),
        ),
    ] {
        plane.apply(&manifest);
    }
}

fn restarted(plane: &ControlPlane, namespace: &str, workload: &str) -> bool {
    let path =
        "-ojsonpath={.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}";
    !plane.kubectl(["get", workload, "-n", namespace, path]).succeeds().stdout.is_empty()
}

fn write(sandbox: &Sandbox, namespace: &str, value: &str) {
    std::fs::remove_file(sandbox.work().join("db.yaml")).ok();
    let pair = format!("--from-literal=a={value}");
    sandbox
        .run(["create", "db", "-n", namespace, "--kek=local", &pair, "-w", "db.yaml"])
        .succeeds();
}

#[test]
fn what_uses_a_changed_value_is_shown_and_restarted() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    deploy(plane, &namespace);
    let apply =
        |args: &[&str]| sandbox.run(["apply", "-f", "db.yaml", "--restart"].iter().chain(args));
    write(&sandbox, &namespace, "one");
    let error = apply(&[]).fails(2);
    assert!(error.contains("there is no terminal: add `--yes`"), "{error}");
    plane.kubectl(["get", "secret", "db", "-n", &namespace]).fails_quietly(1);
    let run = apply(&["--yes"]).succeeds();
    assert_eq!(
        run.stdout,
        "secret/db serverside-applied\ndeployment.apps/web restarted\nstatefulset.apps/set restarted\ndaemonset.apps/daemon restarted\n"
    );
    assert_eq!(
        run.stderr,
        format!(
            "these workloads use the Secrets:\n  deployment.apps/web -n {namespace}: db (env)\n  statefulset.apps/set -n {namespace}: db (envFrom)\n  daemonset.apps/daemon -n {namespace}: db (projected volume)\n  cronjob.batch/cron -n {namespace}: db (env); its next run uses the new values\n  job.batch/job -n {namespace}: db (env); a Job cannot be restarted\n"
        )
    );
    assert!(
        restarted(plane, &namespace, "deployment/web")
            && !restarted(plane, &namespace, "deployment/other")
    );
    // The same again, the same value sealed anew, and under one more KEK: no value has
    // changed.
    let list = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let other = list.split(' ').next().expect("a URI");
    for change in
        [&[][..], &["rotate", "-f", "db.yaml"], &["rewrap", "-f", "db.yaml", "--add", other]]
    {
        if !change.is_empty() {
            sandbox.run(change).succeeds();
        }
        let run = apply(&["--yes"]).succeeds();
        assert_eq!(run.stdout, "secret/db serverside-applied\n");
        assert!(run.stderr.contains("no value changed, so nothing is restarted"), "{}", run.stderr);
    }
    // Only shown.
    write(&sandbox, &namespace, "two");
    // Later than the live one, also within the same second.
    for _ in 0..3 {
        sandbox.run(["rotate", "-f", "db.yaml"]).succeeds();
    }
    plane.kubectl(["rollout", "pause", "deployment/web", "-n", &namespace]).succeeds();
    let run = apply(&["--dry-run=server"]).succeeds();
    assert!(
        !run.stdout.contains("restarted\n")
            && run.stderr.contains("it is paused, so it is not restarted"),
        "{}",
        run.stderr
    );
}

#[test]
fn who_may_not_look_finds_out_before_anything_is_applied() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    write(&sandbox, &namespace, "one");
    let error = sandbox.run(["apply", "-f", "db.yaml", "--restart", "--yes"]).fails(1);
    assert!(error.contains("you may not list Deployments in the namespace"), "{error}");
    plane.kubectl(["get", "secret", "db", "-n", &namespace]).fails_quietly(1);
}

#[test]
fn on_a_terminal_the_restart_is_asked_about() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    deploy(plane, &namespace);
    for (answer, value) in [("n", "one"), ("y", "two")] {
        write(&sandbox, &namespace, value);
        let mut command = Command::new("sh");
        command.env_clear().current_dir(sandbox.work()).env("TERM", "xterm");
        command.args(["-c", "exec \"$0\" apply -f db.yaml --restart", PROGRAM]);
        for (name, value) in sandbox.command().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let mut session =
            rexpect::session::spawn_command(command, Some(60_000)).expect("a terminal");
        session.exp_string("deployment.apps/web").expect("it is shown");
        session.exp_string("restart all 3").expect("it asks");
        session.send_line(answer).expect("typed");
        let rest = session.exp_eof().expect("it ends");
        assert_eq!(restarted(plane, &namespace, "deployment/web"), answer == "y", "{rest}");
    }
}

/// No controller runs here: the test says what one would.
#[test]
fn the_end_of_a_restart_can_be_waited_for() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    plane.apply(&workload(
        "Deployment",
        &namespace,
        "web",
        json!({ "envFrom": [{ "secretRef": { "name": "db" } }] }),
        json!({}),
    ));
    write(&sandbox, &namespace, "one");
    let mut command = sandbox.command();
    let child = command
        .args(["apply", "-f", "db.yaml", "--restart", "--yes", "--wait=60s"])
        .spawn()
        .expect("it starts");
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while !restarted(plane, &namespace, "deployment/web") {
        assert!(std::time::Instant::now() < end, "it is not restarted");
    }
    let generation = plane
        .kubectl([
            "get",
            "deployment",
            "web",
            "-n",
            &namespace,
            "-ojsonpath={.metadata.generation}",
        ])
        .succeeds()
        .stdout;
    let status = format!(
        "{{\"status\":{{\"observedGeneration\":{generation},\"replicas\":1,\"updatedReplicas\":1,\"readyReplicas\":1,\"availableReplicas\":1}}}}"
    );
    plane
        .kubectl([
            "patch",
            "deployment",
            "web",
            "-n",
            &namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            &status,
        ])
        .succeeds();
    let output = child.wait_with_output().expect("it ends");
    let stdout = String::from_utf8(output.stdout).expect("text");
    assert!(
        stdout.ends_with("deployment.apps/web restarted\ndeployment.apps/web rolled out\n"),
        "{stdout}"
    );
    assert_eq!(output.status.code(), Some(0));
    // One that never comes to its end.
    write(&sandbox, &namespace, "two");
    let run = sandbox.run(["apply", "-f", "db.yaml", "--restart", "--yes", "--wait=1s"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("error: the rollout of `deployment.apps/web` did not finish in time"),
        "{}",
        run.stderr
    );
}

/// The Deployment of docs/containers.md, run as a kubelet would run it.
#[test]
fn the_deployment_of_the_documentation_gets_its_values() {
    let plane = control_plane();
    let namespace = plane.namespace();
    kms().alias("containers", &kms().key());
    let sandbox = with_kms(plane.sandbox("admin"), kms().port).env("AWS_REGION", REGION);
    let args = [
        "create",
        "db",
        "-n",
        &namespace,
        "--kek=awskms:///alias/containers",
        "--from-literal=username=admin",
        "--from-literal=password=hunter2",
    ];
    sandbox.run(args).succeeds();
    let page = include_str!("../../docs/containers.md");
    let manifest = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a manifest");
    let manifest = manifest.replace("namespace: prod", &format!("namespace: {namespace}"));
    plane.apply(&manifest.replace("alias/prod", "alias/containers"));
    // From here on, only what the API server tells.
    let get = |what: &str, name: &str| -> Value {
        let run = plane.kubectl(["get", what, name, "-n", &namespace, "-ojson"]).succeeds();
        serde_json::from_str(&run.stdout).expect("JSON")
    };
    let pod = get("deployment", "web")["spec"]["template"]["spec"].clone();
    let secret: BTreeMap<String, Vec<u8>> = get("secret", "db")["data"]
        .as_object()
        .expect("a map")
        .iter()
        .map(|(key, text)| {
            (key.clone(), BASE64_STANDARD.decode(text.as_str().expect("text")).expect("base64"))
        })
        .collect();
    assert!(secret.values().all(|value| !value.windows(7).any(|w| w == b"hunter2")));
    let container = &pod["containers"][0];
    // The mounts: a folder with the Secret's files, and one in memory.
    let mounted = sandbox.work().join("sealed");
    std::fs::create_dir(&mounted).expect("made");
    secret
        .iter()
        .for_each(|(key, value)| std::fs::write(mounted.join(key), value).expect("written"));
    let memory =
        Path::new("/dev/shm").join(format!("envcrypt-test-{}-containers", std::process::id()));
    std::fs::create_dir(&memory).expect("made");
    let at_mount = |text: &str| match text {
        "/envcrypt/kubectl-envcrypt" => PROGRAM.to_owned(),
        _ => text
            .replace("/sealed", mounted.to_str().expect("text"))
            .replace("/secrets", memory.to_str().expect("text")),
    };
    let words: Vec<String> = ["command", "args"]
        .iter()
        .flat_map(|name| container[*name].as_array().expect("a list"))
        .map(|word| at_mount(word.as_str().expect("text")))
        .collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..2]).env_clear().env("PATH", "/usr/bin:/bin");
    // The emulator's address and login stand for those that the platform gives.
    let ours = sandbox.command();
    let names = ours.get_envs().map(|(name, _)| name.to_string_lossy().into_owned());
    let names: Vec<_> = names.filter(|name| name.starts_with("AWS_")).collect();
    command.arg("--spec-env").arg(names.join(",")).args(&words[2..]);
    // What lets the pod into the KMS; there is no home, no configuration, no cluster.
    for (name, value) in sandbox.command().get_envs() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env(name, value.unwrap_or_default());
        }
    }
    assert_eq!(container["envFrom"], Value::Null, "whoever can write the Secret sets these");
    for variable in container["env"].as_array().expect("a list") {
        let value = match &variable["valueFrom"] {
            Value::Null => variable["value"].as_str().expect("text").to_owned(),
            from if from["fieldRef"]["fieldPath"] == "metadata.namespace" => namespace.clone(),
            from => String::from_utf8_lossy(
                &secret[from["secretKeyRef"]["key"].as_str().expect("a key")],
            )
            .into_owned(),
        };
        command.env(variable["name"].as_str().expect("text"), value);
    }
    let output = command.output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hunter2 as admin\nhunter2", "{errors}");
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert_eq!(std::fs::read_dir(&memory).expect("there").count(), 0, "it is emptied");
    // Someone who can write the Secret has put a plain key beside the sealed ones.
    let theirs = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    theirs.set_nonblocking(true).expect("set");
    let address = format!("http://{}", theirs.local_addr().expect("an address"));
    for name in ["BAO_ADDR", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL", "https_proxy"] {
        let output = command.env(name, &address).output().expect("it runs");
        command.env_remove(name);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(&format!("of this pod may have set them: {name}\n")), "{errors}");
        assert_eq!((output.stdout.as_slice(), output.status.code()), (&b""[..], Some(1)));
        assert!(theirs.accept().is_err(), "{name}: somebody came");
    }
    // Another namespace's pod gets nothing.
    let output = command.env("POD_NAMESPACE", "other").output().expect("it runs");
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b""[..], Some(1)));
    std::fs::remove_dir_all(&memory).expect("removed");
}

#[test]
fn a_restart_that_was_missed_is_caught_up_with() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    deploy(plane, &namespace);
    write(&sandbox, &namespace, "one");
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    let error = sandbox.run(["restart", "db", "-n", &namespace]).fails(2);
    assert!(error.contains("add `--yes`"), "{error}");
    let error = sandbox.run(["restart", "none", "-n", &namespace, "--yes"]).fails(1);
    assert!(error.contains("none` does not exist"), "{error}");
    assert!(!restarted(plane, &namespace, "deployment/web"));
    // Where nobody reads the lines any more, all are restarted.
    let mut command = sandbox.command();
    command.args(["restart", "db", "-n", &namespace, "--yes"]);
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
    for workload in ["deployment/web", "statefulset/set", "daemonset/daemon"] {
        assert!(restarted(plane, &namespace, workload), "{workload}");
    }
    assert!(!restarted(plane, &namespace, "deployment/other"));
}
