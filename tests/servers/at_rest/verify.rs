//! `at-rest verify`: over the network, in a file, and through a pod.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use super::providers::{argument, encryption_configuration, secret};
use super::reencrypt::age_plugin;
use crate::control_plane::{ControlPlane, Etcd};
use crate::programs::find;
use crate::sandbox::Sandbox;

const VALUE: &str = "the-plain-value";

#[test]
fn each_plain_object_is_named_wherever_etcd_is_read() {
    let etcd = Arc::new(Etcd::start());
    let mut plane = ControlPlane::with(etcd.clone(), Vec::new());
    for name in ["old-1", "old-2", "gone"] {
        plane.apply(&secret(name, VALUE));
    }
    plane.kubectl(["delete", "secret", "gone"]).succeeds();
    let (_local, plugin) = age_plugin();
    let (_file, more) =
        argument(&encryption_configuration(&[("secrets", "envcrypt", &plugin.socket())]));
    plane.restart_with(more);
    plane.apply(&secret("new", VALUE));

    let sandbox = plane.sandbox("admin");
    let live = format!("--etcd=http://127.0.0.1:{}", etcd.port);
    let snapshot = sandbox.work().join("etcd.db").display().to_string();
    etcd.etcdctl(["snapshot", "save", &snapshot]);
    let snapshot = format!("--snapshot={snapshot}");
    let data = format!("--data-dir={}", etcd.data().display());
    let mut outputs = Vec::new();
    for source in [&live, &snapshot, &data] {
        let run = sandbox.run(["at-rest", "verify", source]);
        assert_eq!(run.code, Some(1), "{source}: {}", run.stderr);
        assert!(
            run.stderr.contains("error: etcd is not as expected: 2 not encrypted\nhint: check"),
            "{}",
            run.stderr
        );
        assert!(run.stdout.contains("plain: secrets/default/old-1 (plain)\n"), "{}", run.stdout);
        assert!(run.stdout.contains("1  kms v2 `envcrypt`, key id envcrypt1-"), "{}", run.stdout);
        assert!(run.stdout.contains(", 1 seed, cluster `test`, KEK versions -"), "{}", run.stdout);
        assert!(!run.stdout.contains(VALUE) && !run.stderr.contains(VALUE));
        outputs.push(run.stdout);
    }
    assert!(outputs.iter().all(|output| *output == outputs[0]), "{outputs:?}");

    sandbox.run(["at-rest", "reencrypt"]).succeeds();
    let run = sandbox.run(["at-rest", "verify", &live, "--expect", "kms:envcrypt"]).succeeds();
    assert!(
        run.stdout.contains("secrets                        3  kms v2 `envcrypt`"),
        "{}",
        run.stdout
    );
    let run = sandbox.run(["at-rest", "verify", &live, "--expect", "secretbox"]);
    assert!(run.stderr.contains("3 encrypted in another way"), "{}", run.stderr);
    // A slip is not taken for a proof.
    for (args, why) in [
        (&["secret"][..], "etcd holds no object of `secret`"),
        (&["secrets", "--etcd-prefix=/other"], "etcd holds no object of `secrets`"),
        (&["*.apps"], "`*.apps` cannot be read from etcd"),
    ] {
        let error = sandbox.run(["at-rest", "verify", &live].iter().chain(args)).fails(2);
        assert!(error.contains(why), "{error}");
    }
    let args = ["at-rest", "verify", &live, "secret", "--allow-empty"];
    sandbox.run(args).succeeds();

    // The old copies are still in the file, even of the Secret that was deleted.
    let run = sandbox.run(["at-rest", "verify", &data, "--residue"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("residue: secrets/default/gone (old revision"), "{}", run.stdout);
    let status =
        String::from_utf8(etcd.etcdctl(["endpoint", "status", "-w", "json"])).expect("JSON");
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let revision = status[0]["Status"]["header"]["revision"].to_string();
    etcd.etcdctl(["compact", &revision, "--physical"]);
    etcd.etcdctl(["defrag"]);
    let run = sandbox.run(["at-rest", "verify", &data, "--residue"]).succeeds();
    assert!(run.stdout.ends_with("residue of plain Secrets: 0\n"), "{}", run.stdout);
}

/// No kubelet runs here, so kubectl is a script that starts the real etcdctl on this machine.
#[test]
fn a_pod_is_read_through_kubectl() {
    let etcd = Arc::new(Etcd::start());
    let plane = ControlPlane::with(etcd.clone(), Vec::new());
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}");
    for number in 0..150 {
        plane.apply(&secret(&format!("s{number}"), VALUE));
    }
    let pod = |name: &str, command: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: kube-system}}, spec: {{automountServiceAccountToken: false, containers: [{{name: c, image: i, command: {command}}}]}}}}"
        )
    };
    plane.apply(&pod(
        "etcd-node",
        &format!(
            "[etcd, '--listen-client-urls=http://127.0.0.1:{0}', --cert-file=/pki/server.crt]",
            etcd.port
        ),
    ));
    plane.apply(&pod("web", "[nginx]"));
    let sandbox = plane.sandbox("admin");
    let script = format!(
        "#!/bin/sh\n[ \"$*\" != \"${{*#*--kubeconfig=never}}\" ] && exit 9\n\
         while [ \"$1\" != -- ]; do shift; done\n[ \"$2\" = etcdctl ] || exit 8\nshift 2\n\
         for word; do shift; case $word in --cert=/pki/server.crt) ;; *) set -- \"$@\" \"$word\" ;; esac; done\n\
         exec {} \"$@\"\n",
        find("etcdctl").display()
    );
    let kubectl = sandbox.write("bin/kubectl", script);
    std::fs::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).expect("set");
    let sandbox = sandbox.env("KUBECTL_PATH", kubectl.display().to_string());
    let run = sandbox.run(["at-rest", "verify", "--kubectl-exec", "etcd-node"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stdout.starts_with("secrets                      150  plain\n"), "{}", run.stdout);
    let error = sandbox.run(["at-rest", "verify", "--kubectl-exec", "web"]).fails(2);
    assert!(error.contains("the pod `web` does not look like etcd"), "{error}");
    let error = sandbox.run(["at-rest", "verify", "--kubectl-exec", "missing"]).fails(2);
    assert!(error.contains("pods \"missing\" not found"), "{error}");
}

#[test]
fn what_cannot_be_read_is_one_error() {
    let sandbox = Sandbox::new();
    let verify = |args: &[&str]| {
        let error = sandbox.run(["at-rest", "verify"].iter().chain(args)).fails(2);
        assert!(error.contains("hint: ") || error.contains("cannot be opened"), "{error}");
        error
    };
    let error = verify(&["--etcd", "http://127.0.0.1:1"]);
    assert!(error.contains("etcd at `http://127.0.0.1:1` does not answer"), "{error}");
    let error = verify(&["--snapshot", "missing.db"]);
    assert!(error.contains("`missing.db` cannot be opened: No such file"), "{error}");
    let etcd = Etcd::start();
    let path = sandbox.work().join("etcd.db");
    etcd.etcdctl(["snapshot", "save", path.to_str().expect("UTF-8")]);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    sandbox.write("damaged.db", &bytes);
    let error = verify(&["--snapshot", "damaged.db"]);
    assert!(error.contains("its checksum does not match"), "{error}");
    sandbox.write("short.db", &bytes[..bytes.len() / 2]);
    verify(&["--snapshot", "short.db"]);
}
