//go:build !antonmedv

package main

import "github.com/expr-lang/expr"

// As Argo Server does since 3.5.5 (argo-workflows, util/expr/argoexpr/eval.go).
func evaluate(rule string, claims map[string]any) (any, error) {
	program, err := expr.Compile(rule, expr.Env(claims))
	if err != nil {
		return nil, err
	}
	return expr.Run(program, claims)
}
