//! The manifests and the chart, against what `policy` prints and against the API server.

use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use super::{helm, install_crd, kustomize, objects, only, policy, project, read, render};
use crate::control_plane::{ControlPlane, Etcd};
use crate::controller::program;
use crate::sandbox::Run;

#[test]
fn the_manifests_are_what_policy_prints() {
    for (path, args) in [
        ("deploy/base/rbac.yaml", &["controller"][..]),
        ("deploy/base/people.yaml", &["people"]),
        ("deploy/base/admission.yaml", &["admission"]),
        ("deploy/chart/files/people.yaml", &["people"]),
        ("deploy/chart/files/admission.yaml", &["admission"]),
        (
            "deploy/overlays/one-namespace/rbac.yaml",
            &["controller", "-n", "prod", "--lease", "off"],
        ),
    ] {
        assert_eq!(read(path), policy(args), "write {path} anew with `policy {args:?}`");
    }
    assert_eq!(read("deploy/chart/files/crd.yaml"), read("deploy/base/crd.yaml"));
}

/// Roles, bindings and policies, without the labels of Helm.
fn rights(manifest: &str) -> Vec<Value> {
    let is_right = |object: &Value| {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        ["rbac.authorization.k8s.io", "admissionregistration.k8s.io"]
            .iter()
            .any(|group| version.starts_with(group))
    };
    let mut rights: Vec<_> = objects(manifest).into_iter().filter(is_right).collect();
    for right in &mut rights {
        let metadata = right["metadata"].as_object_mut().expect("an object");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.retain(|name, _| name.starts_with("rbac.authorization.k8s.io/"));
        }
        metadata.retain(|_, value| !value.as_object().is_some_and(serde_json::Map::is_empty));
    }
    rights
}

#[test]
fn the_chart_renders_what_policy_prints() {
    let other = "serviceaccount:team:robot";
    let exempt = "serviceaccount:cert-manager:cert-manager";
    for (values, controller, admission) in [
        (&[][..], &["controller"][..], &["admission"][..]),
        (
            &["--set=namespaces={prod,stage}"],
            &["controller", "-n", "prod", "-n", "stage"],
            &["admission"],
        ),
        (&["--set=drift=false"], &["controller", "--drift=off"], &["admission"]),
        (&["--set=restart=true"], &["controller", "--restart"], &["admission"]),
        (
            &["--namespace=team", "--set=serviceAccount.name=robot"],
            &["controller", "--subject", other, "--lease=team/envcrypt-controller"],
            &["admission", "--subject", other],
        ),
        (
            &["--set=admission.exempt={system:serviceaccount:cert-manager:cert-manager,ops}"],
            &["controller"],
            &["admission", "--exempt", exempt, "--exempt=user:ops"],
        ),
    ] {
        let printed = [policy(controller), policy(&["people"]), policy(admission)].join("---\n");
        let chart = rendered(values);
        assert_eq!(rights(&chart), rights(&printed), "{values:?}");
    }
    let without = rendered(&["--set=admission.enabled=false", "--set=people.enabled=false"]);
    assert_eq!(rights(&without), rights(&policy(&["controller"])));
}

/// Renders the chart; a later `--namespace` counts.
fn rendered(values: &[&str]) -> String {
    let chart = project("deploy/chart").display().to_string();
    let fixed = ["template", "envcrypt-controller", &chart, "--set=keks={hashivault://prod}"];
    let namespace = ["--namespace=envcrypt-system"];
    helm(&[&fixed, &namespace[..], values].concat()).succeeds().stdout
}

#[test]
fn the_chart_deploys_what_the_base_deploys() {
    let chart = only(&render(&[]).succeeds().stdout, "Deployment");
    let base = only(&kustomize("deploy/base"), "Deployment");
    let pod = |deployment: &Value| {
        let mut pod = deployment["spec"]["template"]["spec"].clone();
        let container = pod["containers"][0].as_object_mut().expect("a container");
        for different in ["args", "env", "imagePullPolicy"] {
            container.remove(different);
        }
        // Its selector has the name of the release.
        pod.as_object_mut().expect("an object").remove("topologySpreadConstraints");
        pod
    };
    assert_eq!(pod(&chart), pod(&base));
    assert_eq!(chart["spec"]["replicas"], base["spec"]["replicas"]);
    assert_eq!(environment(&chart), environment(&base).replace("\"\"", "\"hashivault://prod\""));
    let crd = only(&render(&[]).succeeds().stdout, "CustomResourceDefinition");
    assert_eq!(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    assert_eq!(
        crd["spec"],
        only(&read("deploy/base/crd.yaml"), "CustomResourceDefinition")["spec"]
    );
}

fn environment(deployment: &Value) -> String {
    deployment["spec"]["template"]["spec"]["containers"][0]["env"].to_string()
}

#[test]
fn the_version_is_that_of_the_project() {
    let version = env!("CARGO_PKG_VERSION");
    let chart: Value = serde_yaml::from_str(&read("deploy/chart/Chart.yaml")).expect("YAML");
    assert_eq!(chart["version"], version);
    assert_eq!(chart["appVersion"], format!("v{version}"));
    let base = only(&kustomize("deploy/base"), "Deployment");
    let image = &base["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, &Value::from(format!("envcrypt-controller:v{version}")));
}

#[test]
fn the_chart_says_what_is_wrong_with_its_values() {
    let chart = project("deploy/chart").display().to_string();
    let run = helm(&["template", "envcrypt-controller", &chart]);
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains("set `keks`: the KEKs that the controller may open with"));
    let run = render(&["--set=restart=true,drift=false"]);
    assert!(run.stderr.contains("`restart` needs `drift`"), "{}", run.stderr);
    for wrong in [
        "keks={prod}",
        "keks={awskms:///alias/prod}",
        "kek=hashivault://prod",
        "image.digest=latest",
        "namespaces={Prod}",
        "env[0].name=ENVCRYPT_KEKS",
        "replicas=two",
    ] {
        let run = render(&["--set", wrong]);
        assert!(run.stderr.contains("don't meet the specifications of the schema"), "{wrong}");
    }
    let lint = helm(&["lint", "--strict", &chart, "--set=keks={hashivault://prod}"]).succeeds();
    assert!(!lint.stdout.contains("WARNING") && !lint.stdout.contains("ERROR"), "{}", lint.stdout);
}

/// Values that use every part of the chart.
const EVERYTHING: [&str; 14] = [
    "--set=namespaces={prod,stage}",
    "--set=drift=false",
    "--set=extraArgs={--refuse-older,--allow-annotation=example.com/}",
    "--set=vault.address=https://vault.example,vault.role=envcrypt,vault.caConfigMap=ca",
    "--set=vault.authPath=k8s,vault.namespace=admin",
    "--set=env[0].name=AWS_REGION,env[0].value=eu-west-1",
    "--set=extraVolumes[0].name=a,extraVolumeMounts[0].name=a,extraVolumeMounts[0].mountPath=/a",
    "--set=image.repository=registry.example/envcrypt-controller,imagePullSecrets[0].name=pull",
    "--set=serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=arn:aws:iam::1:role/a",
    "--set-string=podLabels.azure\\.workload\\.identity/use=true,podAnnotations.a=b",
    "--set=nodeSelector.a=b,tolerations[0].operator=Exists,priorityClassName=high",
    "--set=metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.labels.release=prometheus",
    "--set=admission.exempt={ops}",
    "--set=affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution=null",
];

#[test]
fn the_controller_knows_each_flag_of_the_chart() {
    let mut command = Command::new(program());
    let help = Run::from(command.arg("--help").output().expect("it starts")).succeeds().stdout;
    for (values, count) in [(&EVERYTHING[..], 5), (&["--set=restart=true"], 1)] {
        let deployment = only(&render(values).succeeds().stdout, "Deployment");
        let args = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
        let args = args.as_array().expect("flags");
        assert_eq!(args.len(), count, "{args:?}");
        for flag in args.iter().map(|flag| flag.as_str().expect("text")) {
            let name = flag.split('=').next().expect("a name");
            let is_known = [" ", "\n"].iter().any(|end| help.contains(&format!("{name}{end}")));
            assert!(is_known, "{name}: {help}");
        }
    }
}

#[test]
fn the_api_server_accepts_every_object() {
    let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
    install_crd(&plane, &read("deploy/base/crd.yaml"));
    for namespace in ["envcrypt-system", "prod", "stage"] {
        plane.kubectl(["create", "namespace", namespace]).succeeds();
    }
    let dry_run = |manifest: &str| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), manifest).expect("written");
        let path = file.path().to_str().expect("UTF-8").to_owned();
        plane.kubectl(["apply", "--server-side", "--dry-run=server", "-f", &path])
    };
    // The API server does not know the kind of the operator of Prometheus.
    let is_known = |object: &Value| object["kind"] != "ServiceMonitor";
    for manifest in [
        kustomize("deploy/base"),
        kustomize("deploy/overlays/one-namespace"),
        render(&[]).succeeds().stdout,
        render(&EVERYTHING).succeeds().stdout,
    ] {
        let objects: Vec<_> = objects(&manifest).into_iter().filter(is_known).collect();
        assert!(objects.len() >= 14, "{}", objects.len());
        let list: Vec<_> = objects.iter().map(Value::to_string).collect();
        let run = dry_run(&list.join("\n---\n")).succeeds();
        assert_eq!(run.stderr, "", "no warning");
    }
    the_pod_is_restricted(&plane, &dry_run);
}

/// The namespace of the base refuses every pod that is not.
fn the_pod_is_restricted(plane: &ControlPlane, dry_run: &dyn Fn(&str) -> Run) {
    plane.apply(&read("deploy/base/namespace.yaml"));
    let pod = |change: &dyn Fn(&mut Value)| {
        let mut pod = only(&kustomize("deploy/base"), "Deployment")["spec"]["template"].clone();
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["metadata"]["name"] = "controller".into();
        pod["metadata"]["namespace"] = "envcrypt-system".into();
        change(&mut pod);
        dry_run(&pod.to_string())
    };
    pod(&|_| ()).succeeds();
    let run = pod(&|pod| pod["spec"]["securityContext"]["runAsNonRoot"] = false.into());
    assert!(run.stderr.contains("violates PodSecurity \"restricted"), "{}", run.stderr);
}
