module argo-access.io/test/engines

go 1.25.0

require github.com/expr-lang/expr v1.17.0
