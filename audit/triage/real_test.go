package triage

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/importer"
)

// judgement is one of the 275 images whose label five people were asked about.
type judgement struct {
	ID    int            `json:"id"`
	Turks map[string]int `json:"mturk"`
}

// wrong is how the verdicts were counted: fewer than three of five kept the given
// label (Northcutt, Athalye, Mueller 2021: 54 of 275).
func (j judgement) wrong() bool { return j.Turks["given"] < 3 }

// TestRealVerdicts scores the ranking of labels against real verdicts on
// CIFAR-10's test labels, beside what a random ranking would get.
// testdata/score.csv is numpy's and scikit-learn's (testdata/score.py).
func TestRealVerdicts(t *testing.T) {
	var judged []judgement
	raw, err := os.ReadFile(realdata.Path(t, "label-errors", "cifar10_mturk.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &judged); err != nil {
		t.Fatal(err)
	}
	tests, err := filepath.Glob(filepath.Join(realdata.Path(t, "cifar10.1", "model_predictions", "original_predictions"), "*.json"))
	if err != nil || len(tests) != 30 {
		t.Fatalf("%d models, %v", len(tests), err)
	}
	computed := realdata.Path(t, "cifar10-computed-predictions")
	baselines := map[string][]string{
		"cifar10.1":       tests,
		"resnet8":         {filepath.Join(computed, "resnet8_fp32_logits.f32.npy"), filepath.Join(computed, "resnet8large_fp32_logits.f32.npy")},
		"cross-validated": {realdata.Path(t, "label-errors", "cifar10_test_set_pyx.npy")},
	}
	for _, want := range scores(t) {
		t.Run(want.population, func(t *testing.T) {
			got := scoreReal(t, baselines[want.population], filepath.Join(computed, "resnet8_int8_logits.f32.npy"), judged)
			got.population = want.population
			if len(got.numbers) != len(want.numbers)-1 {
				t.Fatalf("%v, want %v", got, want)
			}
			for name, v := range want.numbers {
				if name == "ap275_random_975" { // of random rankings
					if got.numbers["ap275"] <= v {
						t.Errorf("average precision %v is no better than a random ranking's, %v at the 97.5 %% quantile", got.numbers["ap275"], v)
					}
					continue
				}
				if math.Abs(got.numbers[name]-v) > 1e-9 {
					t.Errorf("%s is %v, numpy and scikit-learn say %v", name, got.numbers[name], v)
				}
			}
			// 79 of 10,000 labels are not the majority's: of a hundred drawn at random,
			// four or more are with probability .008 (scipy: hypergeom.sf(3, 10000, 79, 100)).
			if got.numbers["p100"] < 0.04 {
				t.Errorf("precision at 100 no better than a random ranking's: %v", got.numbers)
			}
		})
	}
}

type scored struct {
	population string
	numbers    map[string]float64
}

func scores(t *testing.T) (out []scored) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "score.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		s := scored{row[0], map[string]float64{}}
		for i, name := range rows[0][1:] {
			if s.numbers[name], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, s)
	}
	return out
}

// scoreReal judges CIFAR-10's test labels with a baseline.
func scoreReal(t *testing.T, baseline []string, candidate string, judged []judgement) scored {
	t.Helper()
	ctx := context.Background()
	table, err := importer.Import(ctx, importer.Request{
		Labels:     realdata.Path(t, "label-errors", "cifar10_test_set_original_labels.npy"),
		Baseline:   importer.Spec{Name: "dense", Files: baseline},
		Candidates: []importer.Spec{{Name: "int8", Files: []string{candidate}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := audit.NewView(table, audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	f, err := gather(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	if err := importer.AddPeople(ctx, table, realdata.Path(t, "cifar10h", "cifar10h-counts.npy")); err != nil {
		t.Fatal(err) // after the labels were judged: people are what they are scored against
	}
	people := func(i int) int32 { return peoplesLabel(table.People.Votes[i]) }
	other := func(i int) bool { return people(i) != int32(table.Labels.At(i)) }
	n := map[string]float64{"likely_judged": 0, "likely_wrong": 0, "p100": 0, "p100same": 0}
	var s []float64
	var wrong []bool
	for _, j := range judged {
		s, wrong = append(s, f.score[j.ID]), append(wrong, j.wrong())
		n["likely_judged"] += bit(f.likely[j.ID])
		n["likely_wrong"] += bit(f.likely[j.ID] && j.wrong())
	}
	n["ap275"], n["ap275_random"] = averagePrecision(s, wrong), randomPrecision(wrong)
	order := make([]int, table.Len())
	for i := range order {
		order[i] = i
		n["members_right"] += bit(f.belief(t, i) == int32(table.Labels.At(i)))
		n["p100_random"] += bit(other(i)) / float64(table.Len())
		n["likely"] += bit(f.likely[i])
		n["likely_people"] += bit(f.likely[i] && other(i))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(f.score[b], f.score[a]) })
	for _, i := range order[:100] {
		n["p100"] += bit(other(i)) / 100
		n["p100same"] += bit(other(i) && people(i) == f.suggested[i]) / 100
	}
	return scored{numbers: n}
}

// belief is the most probable label of an example, the lowest among equals.
func (f *facts) belief(t *testing.T, i int) int32 {
	t.Helper()
	given, other := int32(f.view.Table.Labels.At(i)), f.suggested[i]
	if f.score[i] > 0.5 || f.score[i] == 0.5 && other < given {
		return other
	}
	return given
}

// peoplesLabel is the class that most people chose, the lowest among equals.
func peoplesLabel(votes []prediction.Vote) int32 { return votes[0].Class }

func bit(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// randomPrecision is the mean of averagePrecision over all rankings: the place of
// each relevant example counts itself and its share of the others before it.
func randomPrecision(relevant []bool) float64 {
	n, r, h := float64(len(relevant)), 0.0, 0.0
	for i, is := range relevant {
		r += bit(is)
		h += 1 / float64(i+1)
	}
	return (r-1)/(n-1)*(1-h/n) + h/n
}

// averagePrecision is the area under the steps of precision over recall; examples
// of one score come in together (as in scikit-learn).
func averagePrecision(score []float64, relevant []bool) (area float64) {
	order := make([]int, len(score))
	all := 0.0
	for i := range order {
		order[i] = i
		all += bit(relevant[i])
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	hits, before := 0.0, 0.0
	for k, i := range order {
		hits += bit(relevant[i])
		if k+1 == len(order) || score[order[k+1]] != score[i] {
			area += (hits - before) / all * hits / float64(k+1)
			before = hits
		}
	}
	return area
}
