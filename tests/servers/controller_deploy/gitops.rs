//! `docs/argo-cd.md` and `docs/flux.md`: every command line and every block of YAML, and what a
//! GitOps tool does with the objects.

use mlua::LuaSerdeExt;
use serde_json::{Value, json};

use super::rights::{account, everywhere};
use super::{
    check_yaml, copy_deploy, helm, kustomize_at, objects, only, project, write_files, yaml_blocks,
};
use crate::controller::{Controller, Scene, wait};
use crate::readme::{commands, install, run_line};
use crate::sandbox::Sandbox;
use crate::vault::{ROOT, vault, with_vault};

const ARGO_CD: &str = include_str!("../../../docs/argo-cd.md");
const FLUX: &str = include_str!("../../../docs/flux.md");

/// The lines and files of a page, for a namespace of its own in the place of `prod`.
struct Page {
    scene: Scene,
    sandbox: Sandbox,
    text: String,
    _controller: Controller,
}

impl Page {
    fn open(text: &str) -> Self {
        let scene = Scene::on(everywhere());
        scene.plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: argocd}}");
        let sandbox = with_vault(Sandbox::new(), vault().port)
            .env("KUBECONFIG", scene.plane.kubeconfig("admin").display().to_string())
            .env("KEK", &scene.kek);
        install(&sandbox, &[]);
        copy_deploy(&sandbox);
        let text = text
            .replace("namespace: prod", &format!("namespace: {}", scene.namespace))
            .replace("-n prod", &format!("-n {}", scene.namespace))
            .replace("prod:flux", &format!("{}:flux", scene.namespace));
        write_files(&sandbox, &text);
        std::fs::create_dir_all(sandbox.work().join("apps/web")).expect("made");
        let controller = Controller::start_as(
            &account(scene.plane),
            &scene.kek,
            scene.kms.port,
            &["--namespace", &scene.namespace, "--lease=off"],
            ROOT,
        );
        Self { scene, sandbox, text, _controller: controller }
    }

    fn run(&self) -> Vec<(String, String)> {
        let run = |line: String| {
            let output = run_line(&self.sandbox, &line, &[]);
            (line, output)
        };
        commands(&self.text).into_iter().map(run).collect()
    }

    fn block(&self, path: &str) -> Value {
        let text = self.sandbox.read(path);
        objects(&text).pop().expect("an object")
    }
}

/// What both tools write on the objects that they apply.
const MARKS: [(&str, &str); 3] = [
    ("labels", "app.kubernetes.io/instance"),
    ("labels", "kustomize.toolkit.fluxcd.io/name"),
    ("annotations", "argocd.argoproj.io/tracking-id"),
];

/// A marked object is delivered, and its Secret has no mark and one owner.
fn marks_stay_on_the_source(scene: &Scene) {
    for (field, mark) in MARKS {
        scene.patch("evs", "db", &json!({ "metadata": { field: { mark: "web" } } }));
    }
    let uid = scene.get("secret", "db").expect("there")["metadata"]["uid"].clone();
    scene.patch(
        "evs",
        "db",
        &json!({ "metadata": { "annotations": { "envcrypt.dev/resync": "1" } } }),
    );
    wait("a look", || scene.get("evs", "db").is_some_and(|evs| evs["status"]["lastResync"] == "1"));
    let secret = scene.get("secret", "db").expect("there");
    assert_eq!(secret["metadata"]["uid"], uid);
    for (field, mark) in MARKS {
        assert!(secret["metadata"][field][mark].is_null(), "{secret}");
    }
    let owners = secret["metadata"]["ownerReferences"].as_array().expect("owners");
    assert_eq!(owners.len(), 1);
    assert_eq!(owners[0]["kind"], "EnvcryptSecret");
}

#[test]
fn every_line_of_the_argo_cd_page_works() {
    let page = Page::open(ARGO_CD);
    let outputs = page.run();
    assert!(outputs.len() >= 7, "{outputs:#?}");
    assert!(outputs[2].1.contains("kind: EnvcryptSecret"), "{}", outputs[2].1);
    check_yaml(page.scene.plane, &page.text);
    let db = page.block("apps/web/db.yaml");
    assert_eq!(db["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"], "-1");
    let directory = page.sandbox.work().join("apps/web");
    let path = directory.to_str().expect("UTF-8");
    page.scene.plane.kubectl(["apply", "--server-side", "-k", path]).succeeds();
    page.scene.wait_reason("db", "Delivered");
    marks_stay_on_the_source(&page.scene);
    let values =
        &page.block("argocd/envcrypt-controller.yaml")["spec"]["source"]["helm"]["valuesObject"];
    the_chart_accepts(values);
}

#[test]
fn every_line_of_the_flux_page_works() {
    let page = Page::open(FLUX);
    let outputs = page.run();
    assert!(outputs.len() >= 6, "{outputs:#?}");
    let is_table = |(line, _): &&(String, String)| line.starts_with("kubectl get envcryptsecrets");
    let (_, table) = outputs.iter().find(is_table).expect("the line is there");
    let row = table.lines().find(|row| row.starts_with(&page.scene.namespace)).expect("a row");
    let words: Vec<_> = row.split_whitespace().collect();
    assert_eq!(words[1..4], ["db", "True", "Delivered"], "{table}");
    check_yaml(page.scene.plane, &page.text);
    marks_stay_on_the_source(&page.scene);
    the_chart_accepts(&page.block("clusters/prod/envcrypt-helm.yaml")["spec"]["values"]);
    // Flux builds the Kustomization with these fields of its own object.
    let spec = &only(&page.sandbox.read("clusters/prod/envcrypt.yaml"), "Kustomization")["spec"];
    let overlay = json!({
        "resources": ["../deploy/base"], "images": spec["images"], "patches": spec["patches"],
    });
    page.sandbox.write("built/kustomization.yaml", overlay.to_string());
    let deployment = only(&kustomize_at(&page.sandbox.work().join("built")), "Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"][0]["value"], "hashivault://prod");
    assert!(container["image"].as_str().expect("text").starts_with("registry.example.com/"));
}

fn the_chart_accepts(values: &Value) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), values.to_string()).expect("written");
    let (chart, values) = (project("deploy/chart").display().to_string(), file.path());
    let values = values.to_str().expect("UTF-8");
    let rendered =
        helm(&["template", "envcrypt-controller", &chart, "--values", values]).succeeds();
    assert!(rendered.stdout.contains("value: \"hashivault://prod\""), "{}", rendered.stdout);
}

/// The health check of the page, run as Argo CD runs it: on Lua 5.1, with the object as `obj`.
fn health(object: &Value) -> (String, String) {
    let block = yaml_blocks(ARGO_CD).into_iter().find(|block| block.contains("argocd-cm"));
    let map = only(block.expect("the page has it"), "ConfigMap");
    let script = &map["data"]["resource.customizations.health.envcrypt.dev_EnvcryptSecret"];
    let lua = mlua::Lua::new();
    lua.globals().set("obj", lua.to_value(object).expect("a table")).expect("set");
    let health: mlua::Table = lua.load(script.as_str().expect("a script")).eval().expect("it runs");
    (health.get("status").expect("a status"), health.get("message").expect("a message"))
}

#[test]
fn argo_cd_sees_the_health_of_each_state() {
    let scene = Scene::on(everywhere());
    let spec = scene.put("db", &[("a", "1")]);
    let of = |name: &str| health(&scene.get("evs", name).expect("there"));
    assert_eq!(of("db").0, "Progressing");
    let args = ["--namespace", &scene.namespace, "--lease=off"];
    let start = || Controller::start(&account(scene.plane), &scene.kek, scene.kms.port, &args);
    let mut controller = start();
    scene.wait_reason("db", "Delivered");
    let (status, message) = of("db");
    assert_eq!(status, "Healthy");
    assert!(message.starts_with("Delivered: the Secret has the values"), "{message}");
    // Sealed for another name.
    scene.apply("other", &spec);
    scene.wait_reason("other", "Refused");
    assert_eq!(of("other").0, "Degraded");
    scene.patch("evs", "other", &json!({ "spec": { "suspend": true } }));
    scene.wait_reason("other", "Suspended");
    assert_eq!(of("other").0, "Suspended");
    // A change that nobody looked at.
    controller.kill();
    scene.put("db", &[("a", "2")]);
    assert_eq!(of("db").0, "Progressing");
    // The KMS refuses this token.
    let _denied = Controller::start_as(
        &account(scene.plane),
        &scene.kek,
        scene.kms.port,
        &args,
        "wrong-token",
    );
    scene.wait_reason("db", "Denied");
    let (status, message) = of("db");
    assert_eq!(status, "Progressing");
    assert!(message.starts_with("Denied: "), "{message}");
}
