//go:build antonmedv

package main

import "github.com/antonmedv/expr"

// As Argo Server did from 3.5.0 to 3.5.4 (argo-workflows, util/expr/argoexpr/eval.go).
func evaluate(rule string, claims map[string]any) (any, error) {
	return expr.Eval(rule, claims)
}
