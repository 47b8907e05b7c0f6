package answer

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/operator/pkg/render"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/kube/inject"
)

// TestInject patches Deployments as kubectl does, and has Istio's injector make pods of them. A Deployment is a folder with
// `deployment.yaml` and `deployment-patch.yaml`, in the folder that DEPLOYMENTS names.
func TestInject(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(os.Getenv("DEPLOYMENTS"), "*", "deployment.yaml"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no deployments in %q", os.Getenv("DEPLOYMENTS"))
	}
	config, values, settings := injector(t)
	for _, file := range folders {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			patched := patch(t, read(t, folder, "deployment.yaml"), read(t, folder, "deployment-patch.yaml"))
			var out bytes.Buffer
			warn := func(text string) { t.Log(text) }
			err := inject.IntoResourceFile(nil, config.Templates, values, "", settings, bytes.NewReader(patched), &out, warn)
			if err != nil {
				t.Fatal(err)
			}
			var made appsv1.Deployment
			if err := yaml.Unmarshal(out.Bytes(), &made); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(made.Spec.Template)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(os.Getenv("OUT"), filepath.Base(folder)+".json"), text, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func patch(t *testing.T, deployment, change []byte) []byte {
	original, err := yaml.YAMLToJSON(deployment)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := yaml.YAMLToJSON(change)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := strategicpatch.StrategicMergePatch(original, asked, appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

// injector is what `istioctl install` configures: its template, its values, its mesh.
func injector(t *testing.T) (*inject.Config, inject.ValuesConfig, *meshconfig.MeshConfig) {
	var config *inject.Config
	var values inject.ValuesConfig
	settings := mesh.DefaultMeshConfig()
	manifests, _, err := render.GenerateManifest(nil, []string{"profile=empty", "components.pilot.enabled=true"}, false, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range manifests {
		for _, manifest := range set.Manifests {
			if manifest.GetKind() != "ConfigMap" {
				continue
			}
			data, _ := manifest.Object["data"].(map[string]any)
			switch manifest.GetName() {
			case "istio-sidecar-injector":
				parsed, err := inject.UnmarshalConfig([]byte(data["config"].(string)))
				if err != nil {
					t.Fatal(err)
				}
				config = &parsed
				if values, err = inject.NewValuesConfig(data["values"].(string)); err != nil {
					t.Fatal(err)
				}
			case "istio":
				if settings, err = mesh.ApplyMeshConfig(data["mesh"].(string), settings); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if config == nil {
		t.Fatal("the manifests hold no injector")
	}
	return config, values, settings
}
