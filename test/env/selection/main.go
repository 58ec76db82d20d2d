// How Argo Server chooses the ServiceAccount of a request, written independently of the operator: cases come in on
// standard input, each a line of JSON, and all that may come of each goes out.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"slices"
	"sort"
	"strconv"

	"github.com/expr-lang/expr"

	// So that what a rule gives does not depend on the machine.
	_ "time/tzdata"
)

type serviceAccount struct {
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations"`
}

// What of an ID token Argo Server keeps in its session, and shows to rules.
type session struct {
	Issuer            string   `json:"iss,omitempty"`
	Subject           string   `json:"sub,omitempty"`
	Expiry            int64    `json:"exp,omitempty"`
	Groups            []string `json:"groups,omitempty"`
	Email             string   `json:"email,omitempty"`
	Name              string   `json:"name,omitempty"`
	PreferredUsername string   `json:"preferred_username,omitempty"`
}

type request struct {
	Token           json.RawMessage  `json:"token"`
	Expiry          int64            `json:"expiry"`
	ServiceAccounts []serviceAccount `json:"serviceAccounts"`
	LoginNamespace  string           `json:"loginNamespace"`
	// Empty for a request without one.
	Namespace string `json:"namespace"`
	Delegates bool   `json:"delegates"`
}

var errNoMatch = errors.New("no service account rule matches")

type failure struct{ account serviceAccount }

func (failed failure) Error() string { return "failed to evaluate rule of " + failed.account.Name }

func precedence(account serviceAccount) int {
	number, _ := strconv.Atoi(account.Annotations["workflows.argoproj.io/rbac-rule-precedence"])
	return number
}

type judge func(rule string) (bool, error)

// choose takes accounts in the order in which the API server happens to give them.
func choose(accounts []serviceAccount, judge judge) (serviceAccount, error) {
	var withRule []serviceAccount
	for _, account := range accounts {
		if _, ok := account.Annotations["workflows.argoproj.io/rbac-rule"]; ok {
			withRule = append(withRule, account)
		}
	}
	sort.SliceStable(withRule, func(i, j int) bool { return precedence(withRule[i]) > precedence(withRule[j]) })
	for _, account := range withRule {
		allowed, err := judge(account.Annotations["workflows.argoproj.io/rbac-rule"])
		if err != nil {
			return serviceAccount{}, failure{account}
		}
		if allowed {
			return account, nil
		}
	}
	return serviceAccount{}, errNoMatch
}

func decide(asked request, login, there []serviceAccount, judge judge) string {
	chosen, err := choose(login, judge)
	if err != nil {
		if failed, ok := err.(failure); ok {
			return "denied " + failed.account.Namespace + "/" + failed.account.Name
		}
		return "none"
	}
	if asked.Delegates && asked.Namespace != "" && asked.Namespace != asked.LoginNamespace {
		if other, err := choose(there, judge); err == nil && precedence(other) > precedence(chosen) {
			chosen = other
		}
	}
	return "account " + chosen.Namespace + "/" + chosen.Name
}

func of(accounts []serviceAccount, namespace string) []serviceAccount {
	var found []serviceAccount
	for _, account := range accounts {
		if account.Namespace == namespace {
			found = append(found, account)
		}
	}
	return found
}

// orders gives lists in which each account comes first once: with a stable sort, each is the first of its precedence.
func orders(accounts []serviceAccount) [][]serviceAccount {
	lists := [][]serviceAccount{accounts}
	for index := range accounts {
		first := slices.Clone(accounts[index : index+1])
		lists = append(lists, slices.Concat(first, accounts[:index], accounts[index+1:]))
	}
	return lists
}

type verdict struct {
	allowed bool
	err     error
}

func judgeFor(claims map[string]any) judge {
	known := map[string]verdict{}
	return func(rule string) (bool, error) {
		if _, ok := known[rule]; !ok {
			allowed, err := evaluate(rule, claims)
			known[rule] = verdict{allowed, err}
		}
		return known[rule].allowed, known[rule].err
	}
}

// As Argo Server does since 3.5.5 (argo-workflows, util/expr/argoexpr/eval.go).
func evaluate(rule string, claims map[string]any) (bool, error) {
	program, err := expr.Compile(rule, expr.Env(claims))
	if err != nil {
		return false, err
	}
	result, err := expr.Run(program, claims)
	if err != nil {
		return false, err
	}
	allowed, isBool := result.(bool)
	if !isBool {
		return false, errors.New("not true or false")
	}
	return allowed, nil
}

func claimsOf(asked request) map[string]any {
	var kept session
	if err := json.Unmarshal(asked.Token, &kept); err != nil {
		log.Fatal(err)
	}
	kept.Issuer = "argo-server"
	kept.Expiry = asked.Expiry
	text, err := json.Marshal(kept)
	if err != nil {
		log.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		log.Fatal(err)
	}
	return claims
}

func answer(line []byte) []string {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		log.Fatal(err)
	}
	judge := judgeFor(claimsOf(asked))
	var outcomes []string
	for _, login := range orders(of(asked.ServiceAccounts, asked.LoginNamespace)) {
		for _, there := range orders(of(asked.ServiceAccounts, asked.Namespace)) {
			outcomes = append(outcomes, decide(asked, login, there, judge))
		}
	}
	slices.Sort(outcomes)
	return slices.Compact(outcomes)
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		if err := output.Encode(answer(line)); err != nil {
			log.Fatal(err)
		}
	}
}
