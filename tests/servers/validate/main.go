// Command validate checks files of a control plane with the code of Kubernetes
// that reads them: an unknown field or an invalid value is an error.
//
//	validate encryption FILE              an EncryptionConfiguration
//	validate pod FILE                     a static pod
//	validate daemonset FILE               a DaemonSet
//	validate kubeadm FILE PATCHES         a ClusterConfiguration and a patch directory:
//	                                      prints the pod that kubeadm makes of both
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/apis/apiserver"
	apiserverinstall "k8s.io/apiserver/pkg/apis/apiserver/install"
	apiservervalidation "k8s.io/apiserver/pkg/apis/apiserver/validation"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4"
	kubeadmvalidation "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/validation"
	"k8s.io/kubernetes/cmd/kubeadm/app/constants"
	"k8s.io/kubernetes/cmd/kubeadm/app/phases/controlplane"
	kubeadmutil "k8s.io/kubernetes/cmd/kubeadm/app/util"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/staticpod"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: validate KIND FILE [PATCHES]")
	}
	kind, file := args[0], args[1]
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	switch kind {
	case "encryption":
		err = encryption(text)
	case "pod":
		err = pod(text)
	case "daemonset":
		err = daemonset(text)
	case "kubeadm":
		if len(args) != 3 {
			return errors.New("usage: validate kubeadm FILE PATCHES")
		}
		err = kubeadmPod(text, args[2])
	default:
		err = fmt.Errorf("there is no kind %s", kind)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// strict decodes the one document of a file into the internal type T.
func strict[T runtime.Object](s *runtime.Scheme, text []byte) (T, error) {
	var none T
	codecs := serializer.NewCodecFactory(s, serializer.EnableStrict)
	object, kind, err := codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return none, err
	}
	typed, ok := object.(T)
	if !ok {
		return none, fmt.Errorf("it is a %s", kind)
	}
	return typed, nil
}

func encryption(text []byte) error {
	s := runtime.NewScheme()
	apiserverinstall.Install(s)
	config, err := strict[*apiserver.EncryptionConfiguration](s, text)
	if err != nil {
		return err
	}
	return apiservervalidation.ValidateEncryptionConfiguration(config, true).ToAggregate()
}

func pod(text []byte) error {
	object, err := strict[*core.Pod](legacyscheme.Scheme, text)
	if err != nil {
		return err
	}
	// kubelet refuses a static pod that refers to other objects.
	if object.Spec.ServiceAccountName != "" {
		return errors.New("a static pod has no service account")
	}
	return corevalidation.ValidatePodCreate(object, corevalidation.PodValidationOptions{ResourceIsPod: true}).ToAggregate()
}

func daemonset(text []byte) error {
	object, err := strict[*apps.DaemonSet](legacyscheme.Scheme, text)
	if err != nil {
		return err
	}
	return appsvalidation.ValidateDaemonSet(object, corevalidation.PodValidationOptions{}).ToAggregate()
}

// kubeadmPod makes the pod of kube-apiserver as `kubeadm init` and `kubeadm upgrade` do.
func kubeadmPod(text []byte, patches string) error {
	config, err := strict[*kubeadm.ClusterConfiguration](scheme.Scheme, text)
	if err != nil {
		return err
	}
	// What a fragment leaves to the cluster that it is merged into.
	config.KubernetesVersion = constants.CurrentKubernetesVersion.String()
	config.Networking.DNSDomain = v1beta4.DefaultServiceDNSDomain
	if err := kubeadmvalidation.ValidateClusterConfiguration(config).ToAggregate(); err != nil {
		return err
	}
	endpoint := &kubeadm.APIEndpoint{AdvertiseAddress: "192.0.2.1", BindPort: 6443}
	made := controlplane.GetStaticPodSpecs(config, endpoint, nil)[constants.KubeAPIServer]
	patched, err := staticpod.PatchStaticPod(&made, patches, io.Discard)
	if err != nil {
		return err
	}
	yaml, err := kubeadmutil.MarshalToYaml(patched, corev1.SchemeGroupVersion)
	if err != nil {
		return err
	}
	if err := pod(yaml); err != nil {
		return fmt.Errorf("the pod of kube-apiserver: %w", err)
	}
	_, err = os.Stdout.Write(yaml)
	return err
}
