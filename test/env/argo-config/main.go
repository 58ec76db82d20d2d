// Argo's own reading of its settings, of one release: ConfigMaps come in on standard input, the data of each a line of
// JSON, and out goes what it makes of them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	apiv1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// controller is what each release's config.Controller has; how it parses is not exported by all.
type controller[C any] interface {
	Get(ctx context.Context) (*C, error)
}

// cluster is one with nothing in it but one ConfigMap.
type cluster struct {
	kubernetes.Interface
	data map[string]string
}

type core struct {
	corev1.CoreV1Interface
	data map[string]string
}

type configMaps struct {
	corev1.ConfigMapInterface
	data map[string]string
}

func (c *cluster) CoreV1() corev1.CoreV1Interface {
	return core{data: c.data}
}

func (c core) ConfigMaps(string) corev1.ConfigMapInterface {
	return configMaps{data: c.data}
}

func (c configMaps) Get(context.Context, string, metav1.GetOptions) (*apiv1.ConfigMap, error) {
	return &apiv1.ConfigMap{Data: c.data}, nil
}

type answer struct {
	SSO   any    `json:"sso,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(output)
	for {
		line, err := input.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(read(line)); err != nil {
			log.Fatal(err)
		}
		if input.Buffered() == 0 {
			if err := output.Flush(); err != nil {
				log.Fatal(err)
			}
		}
	}
}

func read(line []byte) answer {
	var data map[string]string
	if err := json.Unmarshal(line, &data); err != nil {
		log.Fatal(err)
	}
	settings, err := newController(&cluster{data: data}).Get(context.Background())
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{SSO: ssoOf(settings)}
}
