//! The help, the completion scripts, and that what is committed is current.

use crate::sandbox::Sandbox;
use snapbox::{assert_data_eq, str};

fn stdout(args: &[&str]) -> String {
    Sandbox::new().run(args).succeeds().stdout
}

#[test]
fn the_help_reads_as_a_kubectl_plugin() {
    assert_data_eq!(
        stdout(&["-h"]),
        str![[r#"
Kubernetes Secrets that only your KMS can open

Usage: kubectl envcrypt [OPTIONS] <COMMAND>

Commands:
  create      Create a sealed Secret from what you type
  apply       Apply sealed Secrets to the cluster, as they are or unwrapped
  unwrap      Open sealed Secrets: a plain manifest, or one value
  inspect     Show what a sealed Secret tells without opening it
  seal        Seal plain Secrets, of files or of the cluster
  get         List the sealed Secrets of the cluster
  diff        Compare files with the cluster, key by key
  edit        Change the values of a sealed Secret in your editor
  set         Set values of a sealed Secret
  unset       Take keys out of a sealed Secret
  exec        Run a program with the values of sealed Secrets
  check       Find plain Secrets, and sealed ones that are not as they should be
  rewrap      Change the KEKs of sealed Secrets; values stay as they are
  rotate      Seal the values of sealed Secrets anew, under new data keys
  restart     Restart the workloads that use Secrets, after showing them
  kek         Make, list, trust and test key-encryption keys
  version     Print the version
  completion  Print a completion script
  help        Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help (see more with '--help')
  -V, --version  Print version

Cluster options (as for kubectl):
  -n, --namespace <NAMESPACE>  The namespace
      --context <CONTEXT>      The kubeconfig's context
      --kubeconfig <FILE>      The kubeconfig file, in place of `KUBECONFIG`

"#]]
    );
    for command in ["create", "apply", "unwrap", "inspect", "kek", "completion"] {
        let help = stdout(&[command, "-h"]);
        assert!(help.contains("Usage: kubectl envcrypt "), "{help}");
        assert!(stdout(&[command, "--help"]).contains("--as-user-extra"), "{command}");
    }
}

#[test]
fn committed_completions_are_current() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/");
    for (shell, file) in [
        ("bash", "kubectl-envcrypt.bash"),
        ("zsh", "_kubectl-envcrypt"),
        ("fish", "kubectl-envcrypt.fish"),
        ("powershell", "kubectl-envcrypt.ps1"),
        ("kubectl", "kubectl_complete-envcrypt"),
    ] {
        let committed = std::fs::read_to_string(format!("{root}{file}")).unwrap_or_default();
        assert!(
            committed == stdout(&["completion", shell]),
            "completions/{file} is stale: run `make completions`"
        );
    }
}

#[test]
fn man_pages_come_from_the_same_source() {
    let sandbox = Sandbox::new();
    sandbox.run(["man", "pages"]).succeeds();
    let page = sandbox.read("pages/kubectl-envcrypt-create.1");
    assert!(page.contains("Create a sealed Secret from what you type"), "{page}");
    assert!(sandbox.work().join("pages/kubectl-envcrypt.1").exists());
}

#[test]
fn completion_knows_commands_flags_values_and_the_keys_of_files() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["password=a", "user=b"]));
    let complete = |words: &[&str]| {
        let output = sandbox.run(["__complete", "--"].iter().chain(words)).succeeds().stdout;
        let names = output.lines().map(|line| line.split('\t').next().unwrap_or("").to_owned());
        names.collect::<Vec<_>>()
    };
    assert!(complete(&[""]).contains(&"create".to_owned()));
    assert_eq!(complete(&["insp"]), ["inspect", ":4"]);
    assert!(complete(&["create", "--sco"]).contains(&"--scope".to_owned()));
    assert_eq!(complete(&["create", "--scope", ""]), ["strict", "namespace", "cluster", ":4"]);
    assert!(complete(&["create", "--kek", ""]).contains(&"local".to_owned()));
    assert!(complete(&["create", "--type", "bas"]).contains(&"basic-auth".to_owned()));
    assert!(
        complete(&["unwrap", "-f", "db.yaml", ""]).starts_with(&["password".into(), "user".into()])
    );
    sandbox.write("config", "{apiVersion: v1, kind: Config, contexts: [{name: one, context: {cluster: a}}, {name: two, context: {cluster: a}}]}");
    assert_eq!(complete(&["--kubeconfig", "config", "--context", ""]), ["one", "two", ":4"]);
}
