// Each build names one of the other module files of this folder (-modfile).
module argo-access.io/test/engines

go 1.25.0
