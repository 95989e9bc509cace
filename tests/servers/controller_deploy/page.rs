//! Every command line of `docs/in-cluster.md` is run here, in its order: in a terminal, on control
//! planes of its own, with the controller as a process.

use std::sync::Arc;

use super::rights::{account, everywhere, log_in};
use super::{check_yaml, copy_deploy, write_files};
use crate::control_plane::{ControlPlane, ControllerManager, Etcd};
use crate::controller::Controller;
use crate::programs::find;
use crate::readme::{commands, install, run_line};
use crate::sandbox::Sandbox;
use crate::server::{free_port, http_get};
use crate::vault::{vault, with_vault};

const PAGE: &str = include_str!("../../../docs/in-cluster.md");
const ALERTS: &str = include_str!("../../../deploy/alerts.yaml");
/// Where the reasons of a status are written.
const SOURCES: [&str; 3] = [
    include_str!("../../../crates/controller/src/outcome.rs"),
    include_str!("../../../crates/controller/src/rules.rs"),
    include_str!("../../../crates/controller/src/deliver.rs"),
];

#[test]
fn every_command_line_of_the_page_works() {
    let mut lab = Lab::start();
    let mut outputs = Vec::new();
    for line in commands(PAGE) {
        let output = run_line(&lab.sandbox, &lab.local(&line), &[]);
        lab.after(&line);
        outputs.push((line, output));
    }
    let mut rest = outputs.iter();
    for (start, text) in EXPECTED {
        let found = rest.any(|(line, output)| line.starts_with(start) && output.contains(text));
        assert!(found, "no `{start}` with {text:?} in its place: {outputs:#?}");
    }
    assert!(outputs.len() >= 40, "{}", outputs.len());
    lab.alerts_name_metrics();
}

/// In the order of the page.
const EXPECTED: [(&str, &str); 16] = [
    ("kubectl apply --server-side -k install/", "deployment.apps/envcrypt-controller serverside"),
    ("helm install", "envcrypt-controller serves all namespaces."),
    ("helm upgrade", "envcrypt-controller serves the namespaces prod."),
    ("kubectl apply -f db.yaml", "envcryptsecret.envcrypt.dev/db created"),
    ("kubectl get envcryptsecrets -n prod", "db     True    Delivered   hashivault://"),
    ("kubectl apply -f db.yaml", "envcryptsecret.envcrypt.dev/db configured"),
    ("kubectl apply -f web.yaml", "envcryptsecret.envcrypt.dev/web created"),
    ("kubectl envcrypt policy controller -n prod", "kind: Role"),
    ("kubectl envcrypt policy controller -n prod --kek", "allowed_parameters"),
    ("kubectl wait envcryptsecret/legacy", "condition met"),
    ("kubectl delete envcryptsecret web", "deleted"),
    ("kubectl get secret legacy", "Opaque"),
    ("kubectl wait envcryptsecret/db -n prod --for=condition=Ready=Unknown", "condition met"),
    ("kubectl delete crd", "this would delete every EnvcryptSecret"),
    ("kubectl delete -k install/", "\"envcryptsecrets.envcrypt.dev\" deleted"),
    ("kubectl get secret db", "Opaque"),
];

/// Two control planes, one for each way to install.
struct Lab {
    sandbox: Sandbox,
    plane: ControlPlane,
    with_helm: ControlPlane,
    kek: String,
    controller: Option<Controller>,
    manager: Option<ControllerManager>,
    port: u16,
}

impl Lab {
    fn start() -> Self {
        let [plane, with_helm] =
            [(); 2].map(|()| ControlPlane::with(Arc::new(Etcd::start()), vec![]));
        with_helm.kubectl(["create", "namespace", "prod"]).succeeds();
        let kek = format!("hashivault://transit/{}", vault().key());
        let sandbox = with_vault(Sandbox::new(), vault().port)
            .env("KUBECONFIG", plane.kubeconfig("admin").display().to_string())
            .env("KEK", &kek);
        install(&sandbox, &[("helm", find("helm"))]);
        copy_deploy(&sandbox);
        write_files(&sandbox, PAGE);
        let path = "install/kustomization.yaml";
        let text = sandbox.read(path);
        let url = text.lines().find_map(|line| line.strip_prefix("- https://")).expect("a URL");
        let local = text.replace(&format!("https://{url}"), "../deploy/base");
        sandbox.write(path, local);
        let (controller, manager) = (None, None);
        Self { sandbox, plane, with_helm, kek, controller, manager, port: free_port() }
    }

    /// A line of the page, for the control plane that it is about.
    fn local(&self, line: &str) -> String {
        match line.starts_with("helm ") {
            true => format!("KUBECONFIG={} {line}", self.with_helm.kubeconfig("admin").display()),
            false => line.to_owned(),
        }
    }

    /// What the nodes do once the Deployment is there, and what other controllers do.
    fn after(&mut self, line: &str) {
        if !line.starts_with("kubectl wait --for=condition=Established") {
            return;
        }
        log_in(&self.plane);
        let listen = format!("--listen=127.0.0.1:{}", self.port);
        let controller =
            Controller::start(&account(&self.plane), &self.kek, vault().port, &[&listen]);
        controller.wait_logged("\"level\"");
        self.controller = Some(controller);
        let controllers = ["garbagecollector", "namespace"];
        self.manager = Some(ControllerManager::start(&self.plane, &controllers));
    }

    /// The rules are those of the page, and each metric in them exists.
    fn alerts_name_metrics(&self) {
        let at = ALERTS.find("- name: envcrypt-controller\n").expect("a group");
        assert!(PAGE.contains(&ALERTS[at..]), "copy the group of deploy/alerts.yaml into the page");
        let metrics = http_get(self.port, "/metrics");
        let words = |text: &'static str| {
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .filter(|word| word.starts_with("envcrypt_"))
        };
        let names: Vec<_> = words(&ALERTS[at..]).collect();
        assert!(names.len() >= 5, "{names:?}");
        for name in names {
            assert!(metrics.contains(name), "no {name}: {metrics}");
        }
        // Each metric is on the page.
        for line in metrics.lines().filter_map(|line| line.strip_prefix("# HELP envcrypt_")) {
            let name = line.split(' ').next().expect("a name");
            assert!(PAGE.contains(&format!("`{name}")), "{name} is not on the page");
        }
    }
}

#[test]
fn the_page_has_every_reason_and_no_other_one() {
    let is_reason = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.len() > 5
            && word.chars().all(|c| c.is_ascii_alphabetic())
    };
    let code = SOURCES.map(|text| text.split("#[cfg(test)]").next().expect("code"));
    let in_code: Vec<_> = code.iter().flat_map(|text| text.split('"').skip(1).step_by(2)).collect();
    let reasons: Vec<_> = in_code.iter().copied().filter(is_reason).collect();
    assert!(reasons.len() >= 15, "{reasons:?}");
    let table = PAGE.split("| reason | Ready |").nth(1).and_then(|rest| rest.split("\n\n").next());
    let rows = table.expect("a table").lines().skip(2);
    let first =
        rows.flat_map(|row| row.split('|').nth(1).expect("a cell").split('`').skip(1).step_by(2));
    let listed: Vec<_> = first.collect();
    for reason in &reasons {
        assert!(listed.contains(reason), "the page does not explain {reason}");
    }
    for reason in &listed {
        assert!(reasons.contains(reason), "the controller does not say {reason}");
    }
}

#[test]
fn the_examples_of_the_page_are_valid() {
    check_yaml(everywhere(), PAGE);
}
