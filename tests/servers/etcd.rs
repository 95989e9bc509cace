//! The experiment of every article on this subject: what does etcd hold?

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::control_plane::control_plane;

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn etcd_holds_nothing_readable_after_create_and_the_value_after_apply_unwrap() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    let value = b"correct horse battery staple";
    let encoded = BASE64_STANDARD.encode(value);
    let args = ["create", "db", "-n", &namespace, "--kek=local", "--from-stdin=password"];
    sandbox.pipe(value, args).succeeds();
    let stored = plane.in_etcd(&namespace, "db");
    assert!(contains(&stored, b"envcrypt.dev/sealed"));
    assert!(!contains(&stored, value) && !contains(&stored, encoded.as_bytes()));

    // The same check finds a value that is there: the cluster encrypts nothing.
    let args = [
        "create",
        "plain",
        "-n",
        &namespace,
        "--kek=local",
        "--from-stdin=password",
        "-w",
        "plain.yaml",
    ];
    sandbox.pipe(value, args).succeeds();
    sandbox.run(["apply", "-f", "plain.yaml", "--unwrap"]).succeeds();
    assert!(contains(&plane.in_etcd(&namespace, "plain"), value));
}
