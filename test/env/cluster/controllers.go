package main

import (
	"context"
	"flag"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	serviceaccounts "k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

const (
	workers    = 4
	syncPeriod = 2 * time.Second
)

// runControllers runs the controllers until the process ends.
func runControllers(args []string) error {
	flags := flag.NewFlagSet("controllers", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of an administrator")
	key := flags.String("service-account-private-key-file", "", "key that signs ServiceAccount tokens")
	ca := flags.String("root-ca-file", "", "CA put into token Secrets")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	factory := informers.NewSharedInformerFactory(client, 0)
	starts := []func() (func(), error){
		func() (func(), error) { return tokens(ctx, factory, client, *key, *ca) },
		func() (func(), error) { return namespaces(ctx, factory, client, config) },
		func() (func(), error) { return garbage(ctx, factory, client, config) },
		func() (func(), error) { return deployments(ctx, factory, client) },
	}
	var runs []func()
	for _, start := range starts {
		run, err := start()
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	factory.Start(ctx.Done())
	for _, run := range runs {
		go run()
	}
	select {}
}

func tokens(ctx context.Context, factory informers.SharedInformerFactory, client kubernetes.Interface, keyFile, caFile string) (func(), error) {
	key, err := keyutil.PrivateKeyFromFile(keyFile)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	generator, err := serviceaccount.JWTTokenGenerator(serviceaccount.LegacyIssuer, key)
	if err != nil {
		return nil, err
	}
	core := factory.Core().V1()
	options := serviceaccounts.TokensControllerOptions{TokenGenerator: generator, RootCA: ca}
	controller, err := serviceaccounts.NewTokensController(klog.FromContext(ctx), core.ServiceAccounts(), core.Secrets(), client, options)
	if err != nil {
		return nil, err
	}
	accounts, err := serviceaccounts.NewServiceAccountsController(klog.FromContext(ctx), core.ServiceAccounts(), core.Namespaces(), client, serviceaccounts.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return nil, err
	}
	return func() {
		go accounts.Run(ctx, 1)
		controller.Run(ctx, workers)
	}, nil
}

func namespaces(ctx context.Context, factory informers.SharedInformerFactory, client kubernetes.Interface, config *rest.Config) (func(), error) {
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	resources := client.Discovery().ServerPreferredNamespacedResources
	controller := namespace.NewNamespaceController(ctx, client, metadataClient, resources, factory.Core().V1().Namespaces(), 5*time.Minute, v1.FinalizerKubernetes)
	return func() { controller.Run(ctx, workers) }, nil
}

func garbage(ctx context.Context, factory informers.SharedInformerFactory, client kubernetes.Interface, config *rest.Config) (func(), error) {
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	metadataFactory := metadatainformer.NewSharedInformerFactory(metadataClient, 0)
	started := make(chan struct{})
	close(started)
	both := informerfactory.NewInformerFactory(factory, metadataFactory)
	controller, err := garbagecollector.NewGarbageCollector(ctx, client, metadataClient, mapper, garbagecollector.DefaultIgnoredResources(), both, started)
	if err != nil {
		return nil, err
	}
	return func() {
		go wait.Until(mapper.Reset, syncPeriod, ctx.Done())
		go controller.Sync(ctx, client.Discovery(), syncPeriod)
		controller.Run(ctx, workers, syncPeriod)
	}, nil
}

func deployments(ctx context.Context, factory informers.SharedInformerFactory, client kubernetes.Interface) (func(), error) {
	apps, core := factory.Apps().V1(), factory.Core().V1()
	controller, err := deployment.NewDeploymentController(ctx, apps.Deployments(), apps.ReplicaSets(), core.Pods(), client)
	if err != nil {
		return nil, err
	}
	sets := replicaset.NewReplicaSetController(ctx, apps.ReplicaSets(), core.Pods(), client, replicaset.BurstReplicas)
	return func() {
		go sets.Run(ctx, workers)
		controller.Run(ctx, workers)
	}, nil
}
