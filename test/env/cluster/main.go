// Command cluster is the control plane that the tests run against: etcd, kube-apiserver, the controllers that the
// operator's objects meet in a real cluster, and kubectl, in one binary told apart by its first argument.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if filepath.Base(os.Args[0]) == "kubectl" {
		kubectl()
		return
	}
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: cluster etcd|apiserver|controllers|kubectl [FLAG...]"))
	}
	role := os.Args[1]
	os.Args = append([]string{role}, os.Args[2:]...)
	switch role {
	case "kubectl":
		kubectl()
	case "etcd":
		exitWithParent()
		fail(runEtcd(os.Args[1:]))
	case "apiserver":
		exitWithParent()
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "controllers":
		exitWithParent()
		fail(runControllers(os.Args[1:]))
	default:
		fail(fmt.Errorf("unknown role %q", role))
	}
}

// exitWithParent ends the process when its standard input closes, so that nothing outlives a killed test run.
func exitWithParent() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}

func fail(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
