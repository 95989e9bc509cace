//! Programs of other vendors that no package registry has: built by hand from
//! their sources, put on PATH, and run with `-- --ignored`.

use std::os::unix::net::UnixStream;

use crate::kms::{REGION, kms};
use crate::programs::find;
use crate::sandbox::Sandbox;
use crate::sealed::{change_wrapped, sealed_under};
use crate::server::{Server, wait_until};

/// sigs.k8s.io/aws-encryption-provider, in front of the AWS KMS emulator.
#[test]
#[ignore = "needs `aws-encryption-provider` on PATH: go build ./cmd/server of kubernetes-sigs/aws-encryption-provider"]
fn the_kms_v2_plugin_of_aws_seals_and_opens() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, log) = (folder.path().join("aws.sock"), folder.path().join("aws.log"));
    let (endpoint, key) = (format!("http://127.0.0.1:{}", kms().port), kms().key());
    let program = std::path::Path::new("env");
    let args = [
        "AWS_ACCESS_KEY_ID=test".to_owned(),
        "AWS_SECRET_ACCESS_KEY=test".to_owned(),
        find("aws-encryption-provider").display().to_string(),
        format!("--kms-endpoint={endpoint}"),
        format!("--listen={}", socket.display()),
        format!("--key={key}"),
        format!("--region={REGION}"),
        "--health-port=:0".to_owned(),
    ];
    let _server = Server::start(program, args, &log);
    wait_until("the plugin", &log, || UnixStream::connect(&socket).is_ok());
    let (sandbox, kek) = (Sandbox::new(), format!("k8skms://{}", socket.display()));
    let yaml = sealed_under(&sandbox, &[&kek]);
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    let tampered = change_wrapped(&yaml, |bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        *bytes = text.replace("\"ciphertext\":\"", "\"ciphertext\":\"AAAA").into_bytes();
    });
    let error = sandbox.pipe(tampered, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("hint: see the log of the KMS plugin"), "{error}");
}
