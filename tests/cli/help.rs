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
Create, store and use Kubernetes Secrets that only your KMS can open

Usage: kubectl envcrypt [OPTIONS] <COMMAND>

Commands:
  create      Create a sealed Secret
  apply       Apply sealed Secrets to the cluster, as they are or unwrapped
  unwrap      Unwrap sealed Secrets: print a plain manifest or one value
  inspect     Show keys, sizes, KEKs and scope of a sealed Secret without opening it
  seal        Seal plain Secrets in files or in the cluster
  get         List the sealed Secrets in the cluster
  diff        Compare files with the cluster, key by key
  edit        Edit the values of a sealed Secret in your editor
  set         Set values of a sealed Secret
  unset       Remove keys from a sealed Secret
  exec        Run a program with the values of sealed Secrets
  check       Find unencrypted Secrets, and sealed Secrets that are damaged, misplaced or use the
              wrong KEK
  krm         Check the output of Kustomize or kpt, as a KRM function
  git         Let Git show and merge sealed Secrets
  audit       Find every value that the holder of a KEK has, or could ever have
  convert     Convert sealed Secrets in files to EnvcryptSecrets, or the reverse
  rewrap      Change the KEKs of sealed Secrets without changing their values
  rotate      Seal the same values again under new data keys
  sign        Sign sealed Secrets with your SSH key
  restart     Show the workloads that use Secrets, then restart them
  kek         Create, list, trust and test key-encryption keys
  signers     Manage the list of people who may sign Secrets
  guard       Bind files to their clusters, so that `apply` and `diff` refuse another one
  policy      Print the least rights of each role, for the cluster and for a KMS
  at-rest     Set up encryption at rest, and prove what etcd holds
  doctor      Find what is wrong with this machine, your rights and encryption at rest
  version     Print the version
  completion  Print a completion script
  help        Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help (see more with '--help')
  -V, --version  Print version

Cluster options (as in kubectl):
  -n, --namespace <NAMESPACE>  Namespace to use
      --context <CONTEXT>      Context of the kubeconfig to use
      --kubeconfig <FILE>      Kubeconfig file, instead of `KUBECONFIG`

"#]]
    );
    for command in ["create", "apply", "unwrap", "inspect", "kek", "completion"] {
        let help = stdout(&[command, "-h"]);
        assert!(help.contains("Usage: kubectl envcrypt "), "{help}");
        assert!(stdout(&[command, "--help"]).contains("--as-user-extra"), "{command}");
    }
}

#[test]
fn every_command_has_examples_and_shows_its_long_help() {
    let help = |words: &str| stdout(&words.split(' ').chain(["--help"]).collect::<Vec<_>>());
    let commands = "create apply unwrap inspect seal get diff edit set unset exec check rewrap rotate restart kek guard policy version completion";
    let subcommands = [
        "kek new",
        "kek list",
        "kek trust",
        "kek test",
        "policy sealer",
        "policy reader",
        "policy workload",
        "policy controller",
        "policy people",
        "policy admission",
        "policy inject",
        "guard add",
        "guard list",
    ];
    for command in commands.split(' ').chain(subcommands) {
        let help = help(command);
        let examples = help.split_once("Examples:\n").map_or("", |(_, examples)| examples);
        assert!(examples.contains("  # ") && examples.contains("  kubectl"), "{command}: {help}");
    }
    assert!(help("exec").contains("`ENVCRYPT_KEKS`"));
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
fn the_reference_of_the_commands_is_current() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    let committed = std::fs::read_to_string(page).unwrap_or_default();
    assert!(
        committed == stdout(&["__reference"]),
        "docs/commands.md is stale: run `make reference`"
    );
}

#[test]
fn man_pages_come_from_the_same_source() {
    let sandbox = Sandbox::new();
    sandbox.run(["man", "pages"]).succeeds();
    let page = sandbox.read("pages/kubectl-envcrypt-create.1");
    assert!(page.contains("Create a sealed Secret"), "{page}");
    assert!(page.contains("The command prompts twice for each KEY"), "{page}");
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
    for before in [&["--kubeconfig", "config"][..], &["--kubeconfig", "config", "get"]] {
        let words: Vec<&str> = before.iter().copied().chain(["--context", ""]).collect();
        assert_eq!(complete(&words), ["one", "two", ":4"], "{words:?}");
    }
    let words = ["set", "--kek", "unfinished", "--kubeconfig", "config", "--context", ""];
    assert_eq!(complete(&words), ["one", "two", ":4"]);
}
