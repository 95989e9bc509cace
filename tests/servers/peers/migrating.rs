//! Every command line of `docs/migrating.md`, in its order.

use std::process::Command;

use crate::control_plane::control_plane;
use crate::kms::{REGION, kms, with_kms};
use crate::programs::find;
use crate::readme::{commands, install, run_line};
use crate::sandbox::Sandbox;

use super::sealed_secrets::{Key, PLAIN, kubeseal};

#[test]
fn every_command_line_of_the_page_works() {
    let plane = control_plane();
    let key = kms().key();
    kms().alias("migrating", &key);
    let sandbox = with_kms(Sandbox::new(), kms().port)
        .env("AWS_REGION", REGION)
        .env("TOKEN", "a token of CI")
        .env("KUBECONFIG", plane.kubeconfig("admin").display().to_string());
    install(&sandbox, &[("sops", find("sops"))]);
    for file in ["sops/db.yaml", "more-sops/db.yaml", "app.env", "app.key", "values.yaml"] {
        let text = match file {
            "app.env" => "A=b\n",
            "values.yaml" => "password: hunter2\n",
            _ => PLAIN,
        };
        let path = sandbox.write(file, text);
        let mut command = Command::new(find("sops"));
        command.envs(sandbox.environment()).args(["encrypt", "--in-place", "--kms", &key]);
        if file == "app.key" {
            command.args(["--input-type", "binary", "--output-type", "binary"]);
        }
        assert!(command.arg(path).status().expect("sops starts").success(), "{file}");
    }
    let controller = Key::new();
    let namespace = plane.namespace();
    plane.apply(
        &controller.secret("key").replace("  name:", &format!("  namespace: {namespace}\n  name:")),
    );
    sandbox
        .write("sealed-secrets/db.yaml", kubeseal(&sandbox, &controller, PLAIN, &["-o", "yaml"]));
    std::fs::remove_file(sandbox.work().join("input.yaml")).expect("removed");
    sandbox.write("plain/db.yaml", PLAIN);
    sandbox.write("db.env", "A=b\n");
    let mut outputs = Vec::new();
    for line in commands(include_str!("../../../docs/migrating.md")) {
        let line = line.replace("alias/prod", "alias/migrating").replace(
            "--sealed-secrets-key cluster",
            &format!("--sealed-secrets-key cluster:{namespace}"),
        );
        outputs.push((run_line(&sandbox, &line, &[]), line));
    }
    let output = |start: &str| {
        let found = outputs.iter().find(|(_, line)| line.starts_with(start));
        found.map(|(output, _)| output.as_str()).expect(start)
    };
    assert!(output("kubectl envcrypt unwrap -f sops/db.yaml").contains("hunter2"));
    assert!(output("sops decrypt app.sops.yaml").contains("A: Yg=="));
    let sealed = sandbox.read("sealed-secrets/db.yaml");
    assert!(sealed.contains("envcrypt.dev/sealed") && !sealed.contains("SealedSecret"), "{sealed}");
}
