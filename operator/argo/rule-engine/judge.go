package main

import (
	"encoding/json"
	"fmt"

	"github.com/expr-lang/expr"
)

// Longest message of an error, in bytes: a message can quote the whole rule, or what it made.
const maxMessage = 2048

type question struct {
	Rule   string         `json:"rule"`
	Claims map[string]any `json:"claims"`
}

type answer struct {
	Verdict bool   `json:"verdict"`
	Error   string `json:"error,omitempty"`
}

// judge answers one question in JSON; whatever goes wrong is part of the answer.
func judge(input []byte) []byte {
	var given answer
	verdict, err := evaluate(input)
	if err != nil {
		given.Error = shorten(err.Error())
	} else {
		given.Verdict = verdict
	}
	output, err := json.Marshal(given)
	if err != nil {
		panic(err)
	}
	return output
}

// evaluate compiles and runs a rule as Argo Server does (argo-workflows, util/expr/argoexpr/eval.go).
func evaluate(input []byte) (verdict bool, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the rule engine panicked: %v", reason)
		}
	}()
	var asked question
	if err := json.Unmarshal(input, &asked); err != nil {
		return false, fmt.Errorf("not a question: %w", err)
	}
	if asked.Claims == nil {
		asked.Claims = map[string]any{}
	}
	program, err := expr.Compile(asked.Rule, expr.Env(asked.Claims))
	if err != nil {
		return false, err
	}
	result, err := expr.Run(program, asked.Claims)
	if err != nil {
		return false, err
	}
	verdict, isBool := result.(bool)
	if !isBool {
		return false, fmt.Errorf("the rule gives %T, not true or false", result)
	}
	return verdict, nil
}

func shorten(message string) string {
	if len(message) > maxMessage {
		return message[:maxMessage] + "…"
	}
	return message
}
