// Each build names one of the other module files of this folder (-modfile).
module argo-access.io/test/argo-config

go 1.25.7
