//go:build tools

// Package eg keeps the module of Envoy Gateway, whose `egctl x translate` the fixtures run, among what is required.
package eg

import _ "github.com/envoyproxy/gateway/cmd/egctl"
