//go:build !argo3

package main

import "github.com/argoproj/argo-workflows/v4/config"

func newController(cluster *cluster) controller[config.Config] {
	return config.NewController("argo", "settings", cluster)
}

func ssoOf(settings *config.Config) any {
	return settings.SSO
}
