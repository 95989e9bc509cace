#!/bin/sh
# Builds what the tests talk to into a cache directory, and prints that directory: etcd,
# kube-apiserver, kube-controller-manager, kubectl, krew, age and its plugins, Helm, what other
# tools write with (peers/), the reference servers (kms/), a validator (validate/), and OpenBao and
# an AWS KMS emulator in a virtual environment. The directory is named by the hash of the pins and
# sources. What is there is not built again.
set -eu
cd "$(dirname "$0")"
hash=$(cat go.mod go.sum requirements.txt build.sh helm/go.* peers/go.* kms/go.* kms/*/*.go validate/*.go | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-envcrypt
dir=$cache/servers-$hash
if [ ! -e "$dir/complete" ]; then
    mkdir -p "$dir/bin"
    for tool in go python3; do
        command -v $tool >/dev/null || { echo "build.sh: $tool is needed to build the test servers" >&2; exit 1; }
    done
    echo "building the test servers into $dir: some minutes, once" >&2
    echo "  etcd, kube-apiserver, kube-controller-manager, kubectl, krew and age with its plugins, with go build" >&2
    version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' go.mod)
    GOFLAGS=-mod=readonly go build -trimpath \
        -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" \
        -o "$dir/bin/" tool >&2
    mv "$dir/bin/server" "$dir/bin/etcd"
    echo "  a validator of kubeadm's and kube-apiserver's files, with go build" >&2
    GOFLAGS=-mod=readonly go build -trimpath -ldflags "-s -w" -o "$dir/bin/" ./validate >&2
    # Helm pins other versions of the Kubernetes modules.
    echo "  Helm, with go build" >&2
    (cd helm && GOFLAGS=-mod=readonly go build -trimpath -ldflags "-s -w" -o "$dir/bin/" tool >&2)
    echo "  sops, kubeseal, Kustomize and Helm 3, with go build" >&2
    (
        cd peers
        export GOFLAGS=-mod=readonly
        go build -trimpath -ldflags "-s -w" -o "$dir/bin/" github.com/getsops/sops/v3/cmd/sops \
            github.com/bitnami-labs/sealed-secrets/cmd/kubeseal sigs.k8s.io/kustomize/kustomize/v5
        go build -trimpath -ldflags "-s -w" -o "$dir/bin/helm3" helm.sh/helm/v3/cmd/helm
    ) >&2
    echo "  reference servers for cloud KMS and KMS v2 plugins, with go build" >&2
    (cd kms && GOFLAGS=-mod=readonly go build -trimpath -ldflags "-s -w" -o "$dir/bin/" ./... >&2)
    echo "  OpenBao and an AWS KMS emulator, with pip" >&2
    python3 -m venv "$dir/venv" >&2
    "$dir/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt >&2
    touch "$dir/complete"
fi
echo "$dir"
