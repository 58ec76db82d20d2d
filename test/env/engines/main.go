// One version of Argo's rule engine: questions come in on standard input, each a line of JSON, and answers go out.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	// So that what a rule gives does not depend on the machine.
	_ "time/tzdata"
)

type question struct {
	Rule   string         `json:"rule"`
	Claims map[string]any `json:"claims"`
}

type answer struct {
	Verdict bool   `json:"verdict"`
	Error   string `json:"error,omitempty"`
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
		if err := encoder.Encode(judge(line)); err != nil {
			log.Fatal(err)
		}
		if input.Buffered() == 0 {
			if err := output.Flush(); err != nil {
				log.Fatal(err)
			}
		}
	}
}

func judge(line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		log.Fatal(err)
	}
	result, err := evaluate(asked.Rule, asked.Claims)
	if err != nil {
		return answer{Error: err.Error()}
	}
	verdict, isBool := result.(bool)
	if !isBool {
		return answer{Error: "not true or false"}
	}
	return answer{Verdict: verdict}
}
