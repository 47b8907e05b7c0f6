//go:build tools

// Package helm keeps Helm, whose `helm template` the fixtures run, among what is required.
package helm

import _ "helm.sh/helm/v3/cmd/helm"
