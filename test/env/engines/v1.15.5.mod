module argo-access.io/test/engines

go 1.25.0

require github.com/antonmedv/expr v1.15.5
