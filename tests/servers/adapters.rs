//! The check inside of Kustomize and Helm, and the lines of `docs/gitops.md`.

use std::process::Command;

use crate::controller_deploy::{copy_deploy, write_files};
use crate::programs::find;
use crate::readme::{commands, install, run_line};
use crate::sandbox::{Run, Sandbox};

const PAGE: &str = include_str!("../../docs/gitops.md");
const PLUGIN: &str = include_str!("../../deploy/helm-post-renderer/plugin.yaml");
const PLAIN: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: plain}\nstringData:\n  password: hunter2\n";

/// A directory with the files of the page, and the programs that its lines name.
fn page() -> Sandbox {
    let sandbox = Sandbox::with_local_key().env("KEK", "local");
    let programs = ["kustomize", "helm", "helm3"].map(|name| (name, find(name)));
    install(&sandbox, &programs);
    copy_deploy(&sandbox);
    write_files(&sandbox, PAGE);
    sandbox
}

/// Every line of the page, in its order.
fn after_the_page() -> (Sandbox, Vec<(String, String)>) {
    let sandbox = page();
    let run = |line: String| {
        let output = run_line(&sandbox, &line, &[]);
        (line, output)
    };
    let outputs = commands(PAGE).into_iter().map(run).collect();
    (sandbox, outputs)
}

/// Runs a program without a terminal.
fn quietly(sandbox: &Sandbox, line: &str) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(sandbox.work()).env_clear();
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let bin = sandbox.work().parent().expect("a home").join(".local/bin");
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    Run::from(command.output().expect("sh starts"))
}

#[test]
fn every_line_of_the_page_works_and_sealed_values_pass_through() {
    let (_, outputs) = after_the_page();
    assert!(outputs.len() >= 9, "{outputs:#?}");
    for (line, output) in &outputs {
        let is_value = line.contains("unwrap -f -");
        if is_value {
            assert_eq!(output.trim().len(), 32, "{line}: {output}");
        }
        if line.contains("--post-renderer ") || line.contains("--enable-exec") {
            assert!(output.contains("type: envcrypt.dev/sealed"), "{line}: {output}");
        }
    }
}

#[test]
fn a_plain_secret_ends_a_build_of_kustomize_and_is_named() {
    let (sandbox, _) = after_the_page();
    sandbox.write("app/plain.yaml", PLAIN);
    let list = sandbox.read("app/kustomization.yaml");
    sandbox.write("app/kustomization.yaml", format!("{list}- plain.yaml\n"));
    let build = "kustomize build --enable-alpha-plugins --enable-exec checked";
    let run = quietly(&sandbox, build);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
    assert!(
        run.stderr.contains("`blue-plain` has a plaintext value: `password`"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("hunter2"));
}

/// What the page says of `validators`. Once this fails, mend the page.
#[test]
fn kustomize_still_refuses_a_function_in_validators_that_changes_nothing() {
    let (sandbox, _) = after_the_page();
    let list = sandbox.read("checked/kustomization.yaml");
    sandbox.write("checked/kustomization.yaml", list.replace("transformers", "validators"));
    let build = "kustomize build --enable-alpha-plugins --enable-exec checked";
    let run = quietly(&sandbox, build);
    assert!(run.stderr.contains("validator shouldn't modify"), "{}", run.stderr);
}

#[test]
fn a_plain_secret_ends_a_release_of_helm() {
    let (sandbox, _) = after_the_page();
    sandbox.write("chart/templates/plain.yaml", PLAIN);
    let lines: Vec<_> =
        commands(PAGE).into_iter().filter(|line| line.contains("--post-renderer ")).collect();
    let [four, three] = &lines[..] else { panic!("{lines:?}") };
    for line in [four, three] {
        let run = quietly(&sandbox, line);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{line}: {}", run.stderr);
        assert!(!run.stderr.contains("hunter2"));
    }
    let shown = quietly(&sandbox, three).stderr;
    assert!(shown.contains("`plain` has a plaintext value: `password`"), "{shown}");
    // Helm 4 keeps what the plugin says to itself, so the plugin tells the person.
    let hidden = quietly(&sandbox, four).stderr;
    assert!(!hidden.contains("plaintext value"), "{hidden}");
    let seen = run_line(&sandbox, &format!("! {four} 2>/dev/null"), &[]);
    assert!(seen.contains("`plain` has a plaintext value: `password`"), "{seen}");
}

#[test]
fn the_backend_of_the_page_gives_helm_secrets_a_yaml_text() {
    let sandbox = page();
    let block = PAGE.split("```bash\n").nth(1).and_then(|rest| rest.split("```").next());
    sandbox.write("backend.sh", block.expect("a block"));
    let value = "a \"b\" 'c' #d\n";
    std::fs::create_dir(sandbox.work().join("x")).expect("made");
    let create =
        ["create", "db", "-n", "prod", "--kek=local", "--from-stdin=token", "-w", "x/db.yaml"];
    sandbox.pipe(value, create).succeeds();
    let line = ". ./backend.sh; echo 'a: envcrypt://x/db.yaml#token' | grep -o -e \"$_BACKEND_REGEX\" | \
        while read -r found; do _custom_backend_get_secret auto \"$found\"; done";
    let run = quietly(&sandbox, line).succeeds();
    assert_eq!(serde_yaml::from_str::<String>(&run.stdout).expect("YAML"), value);
}

#[test]
fn the_plugin_of_helm_has_the_version_of_the_program() {
    let plugin: serde_yaml::Value = serde_yaml::from_str(PLUGIN).expect("YAML");
    assert_eq!(plugin["version"], env!("CARGO_PKG_VERSION"));
}
