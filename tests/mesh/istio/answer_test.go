// Package answer asks istiod's own code what an Envoy would be told.
//
// It is a test because istiod's fake discovery server wants one; it tests nothing. CASES names a folder of cases, OUT the
// folder for the answers. A case is a folder with `proxy.json` (what kind of proxy, where), `kubernetes.yaml` (Services, Pods,
// EndpointSlices) and `istio.yaml` (Istio's own kinds). An answer is one JSON file: listeners, routes, clusters, endpoints.
package answer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
)

type wanted struct {
	Type      string            `json:"type"` // sidecar, router
	Address   string            `json:"address"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Version   string            `json:"version"` // of Istio, as the proxy tells it
}

type answer struct {
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
}

func TestAnswer(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(os.Getenv("CASES"), "*", "proxy.json"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no cases in %q", os.Getenv("CASES"))
	}
	for _, file := range folders {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) { ask(t, folder) })
	}
}

func ask(t *testing.T, folder string) {
	var want wanted
	if err := json.Unmarshal(read(t, folder, "proxy.json"), &want); err != nil {
		t.Fatal(err)
	}
	server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		KubernetesObjectString: string(read(t, folder, "kubernetes.yaml")),
		ConfigString:           string(read(t, folder, "istio.yaml")),
	})
	kind := model.SidecarProxy
	if want.Type == "router" {
		kind = model.Router
	}
	proxy := server.SetupProxy(&model.Proxy{
		Type:            kind,
		IPAddresses:     []string{want.Address},
		ID:              "proxy." + want.Namespace,
		ConfigNamespace: want.Namespace,
		DNSDomain:       want.Namespace + ".svc.cluster.local",
		Labels:          want.Labels,
		IstioVersion:    model.ParseIstioVersion(want.Version),
		Metadata: &model.NodeMetadata{
			Namespace: want.Namespace, Labels: want.Labels, ClusterID: "Kubernetes", IstioVersion: want.Version,
		},
	})
	listeners := server.Listeners(proxy)
	got := answer{
		Listeners: plain(t, listeners),
		Routes:    plain(t, server.Routes(proxy)),
		Clusters:  plain(t, server.Clusters(proxy)),
		Endpoints: plain(t, server.Endpoints(proxy)),
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("OUT"), filepath.Base(folder)+".json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func plain[M proto.Message](t *testing.T, messages []M) []json.RawMessage {
	found := make([]json.RawMessage, 0, len(messages))
	for _, message := range messages {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, text)
	}
	return found
}

func read(t *testing.T, folder, name string) []byte {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
