package planted

import (
	"fmt"

	"github.com/lethe-audit/lethe/prediction"
)

// Sampling says where the eases of the examples come from.
type Sampling uint8

const (
	// Quota gives each class the quantiles of the distribution of ease, so
	// that planted losses hold exactly on the examples of the table.
	Quota Sampling = iota
	// Drawn draws the ease of each example independently, so that planted
	// losses hold for the population of examples.
	Drawn
)

// ScoreDetail says which scores are made beside the answers.
type ScoreDetail uint8

const (
	// NoScores makes answers only.
	NoScores ScoreDetail = iota
	// TopScores makes the score of the answer and of the true class.
	TopScores
	// AllScores makes the scores of all classes too (4 bytes × classes an
	// example and member, all in memory).
	AllScores
)

// Spec says what is planted. Its zero value is not valid; start from
// [DefaultSpec], [Demo] or [Large].
type Spec struct {
	Seed        uint64      // of everything random
	Classes     []Class     // two at least
	Attributes  []Attribute // groups, independent of class and ease
	Variants    []Variant   // the first is the baseline
	Sampling    Sampling    // whether eases are fixed or drawn
	Spread      float64     // σ, the standard deviation of latent ease, above 0; 2 or more is realistic
	Levels      int         // distinct eases a class has, at least 1
	Clusters    int         // clusters of examples in each class that Variant.Correlation acts on, at least 1
	RunnerShare float64     // share of wrong answers that are the runner-up label, in [0, 1]
	Scores      ScoreDetail // scores beside the answers
	NoIDs       bool        // leave the examples without ids, as arrays have none
}

// Class is one class of examples.
type Class struct {
	Name   string
	Size   int     // examples, at least 1
	Recall float64 // expected recall of the baseline, in (0, 1), before losses of Variants[0]
	Train  int64   // examples in the training set; 0 in every class: not known
}

// Attribute is one attribute with its values.
type Attribute struct {
	Name   string
	Values []Value
}

// Value is one value of an attribute.
type Value struct {
	Name  string
	Share float64 // share of the examples that have it; the shares sum to 1
	Train int64   // examples in the training set; 0 in every value: not known
}

// Variant is one population of members.
//
// Losses are falls in expected recall, as shares: 0.02 is 2 percentage points,
// a negative loss is a gain. Those that apply to an example's class and
// subgroup add up. For the baseline they say which classes and groups are
// harder from the start; for the others they are relative to the baseline.
type Variant struct {
	Name        string
	Kind        prediction.Kind
	Level       *float64
	Members     int             // at least 1; for a paired variant, members of each lineage
	Paired      bool            // each baseline member is a lineage that Members members of this variant come from
	KeepShare   float64         // paired: share of the lineage's random draws that are reused, in [0, 1]
	AccuracySD  float64         // standard deviation of the members' expected accuracies, a share; 0: all equally good
	Correlation float64         // latent correlation of a member's errors inside a cluster, in [0, 1)
	Reshuffle   float64         // share of examples that trade their ease inside class and subgroup, in [0, 1]
	Loss        float64         // of every class
	ClassLoss   map[int]float64 // by class number
	GroupLoss   []GroupLoss     // by attribute value
	Sharpness   float64         // of scores; 0 means 1, higher is more confident
}

// GroupLoss is a loss planted in one subgroup.
type GroupLoss struct {
	Attribute, Value string
	Loss             float64
}

// DefaultSpec is a table of n examples in equal classes of baseline recall
// 0.9, without variants.
func DefaultSpec(n, classes int) Spec {
	return Spec{
		Seed: 1, Classes: Balanced(n, classes, 0.9),
		Spread: 2, Levels: 128, Clusters: 1, RunnerShare: 0.8,
	}
}

// Balanced returns classes of n examples in all, as equal as can be, named
// class-0, class-1, ..., each with the given baseline recall.
func Balanced(n, classes int, recall float64) []Class {
	out := make([]Class, classes)
	for c := range out {
		out[c] = Class{Name: fmt.Sprintf("class-%d", c), Size: n*(c+1)/classes - n*c/classes, Recall: recall}
	}
	return out
}

func (s *Spec) validate() error {
	switch {
	case len(s.Classes) < 2:
		return fmt.Errorf("planted: %d classes, want at least 2", len(s.Classes))
	case len(s.Variants) == 0:
		return fmt.Errorf("planted: no variants")
	case !(s.Spread > 0):
		return fmt.Errorf("planted: spread %v, want above 0", s.Spread)
	case s.Levels < 1 || s.Levels > 1<<15:
		return fmt.Errorf("planted: %d levels, want 1 to %d", s.Levels, 1<<15)
	case s.Clusters < 1 || s.Clusters > 1<<15:
		return fmt.Errorf("planted: %d clusters, want 1 to %d", s.Clusters, 1<<15)
	case !(s.RunnerShare >= 0 && s.RunnerShare <= 1):
		return fmt.Errorf("planted: runner-up share %v, want 0 to 1", s.RunnerShare)
	}
	for c, class := range s.Classes {
		if class.Size < 1 || !(class.Recall > 0 && class.Recall < 1) {
			return fmt.Errorf("planted: class %d (%s) has %d examples and recall %v, want at least 1 and a share between 0 and 1",
				c, class.Name, class.Size, class.Recall)
		}
	}
	for _, a := range s.Attributes {
		sum := 0.0
		for _, v := range a.Values {
			sum += v.Share
			if !(v.Share > 0) {
				return fmt.Errorf("planted: attribute %s: value %s has share %v, want above 0", a.Name, v.Name, v.Share)
			}
		}
		if !(sum > 1-1e-9 && sum < 1+1e-9) {
			return fmt.Errorf("planted: attribute %s: shares sum to %v, want 1", a.Name, sum)
		}
	}
	for t := range s.Variants {
		if err := s.validateVariant(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateVariant(t int) error {
	v := &s.Variants[t]
	switch {
	case v.Members < 1 || v.Members >= 1<<16:
		return fmt.Errorf("planted: variant %s has %d members, want 1 to 65535", v.Name, v.Members)
	case v.Paired && t == 0:
		return fmt.Errorf("planted: the baseline %s cannot be paired with itself", v.Name)
	case !(v.KeepShare >= 0 && v.KeepShare <= 1):
		return fmt.Errorf("planted: variant %s keeps the share %v, want 0 to 1", v.Name, v.KeepShare)
	case !(v.AccuracySD >= 0):
		return fmt.Errorf("planted: variant %s has accuracy sd %v, want 0 or above", v.Name, v.AccuracySD)
	case !(v.Correlation >= 0 && v.Correlation < 1):
		return fmt.Errorf("planted: variant %s has correlation %v, want 0 to below 1", v.Name, v.Correlation)
	case !(v.Reshuffle >= 0 && v.Reshuffle <= 1) || (t == 0 && v.Reshuffle > 0):
		return fmt.Errorf("planted: variant %s reshuffles the share %v, want 0 to 1, and 0 for the baseline", v.Name, v.Reshuffle)
	}
	for c := range v.ClassLoss {
		if c < 0 || c >= len(s.Classes) {
			return fmt.Errorf("planted: variant %s has a loss for class %d, there are classes 0 to %d", v.Name, c, len(s.Classes)-1)
		}
	}
	for _, g := range v.GroupLoss {
		if _, _, err := s.attributeValue(g.Attribute, g.Value); err != nil {
			return fmt.Errorf("planted: variant %s: %w", v.Name, err)
		}
	}
	return nil
}

// attributeValue finds an attribute and a value by name.
func (s *Spec) attributeValue(attribute, value string) (a, v int, err error) {
	for a := range s.Attributes {
		if s.Attributes[a].Name != attribute {
			continue
		}
		for v := range s.Attributes[a].Values {
			if s.Attributes[a].Values[v].Name == value {
				return a, v, nil
			}
		}
	}
	return 0, 0, fmt.Errorf("there is no group %s = %s", attribute, value)
}

// members is the number of members of variant t.
func (s *Spec) members(t int) int {
	if s.Variants[t].Paired {
		return s.Variants[t].Members * s.Variants[0].Members
	}
	return s.Variants[t].Members
}

// examples is the number of examples.
func (s *Spec) examples() int {
	n := 0
	for _, c := range s.Classes {
		n += c.Size
	}
	return n
}
