package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/internal/strictyaml"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/prediction"
)

// published is the benchmark whose images kinds of data with corruptions of
// their own hold.
func published() map[string]string {
	return map[string]string{"cifar10c": "cifar-c", "imagenetc": "imagenet-c"}
}

// sourceShift is the corruption that a source's options name; nil where they
// name none.
func sourceShift(s dataset.Source) (*prediction.Shift, error) {
	name, given := s.Value("corruption")
	if !given {
		return nil, nil
	}
	severity, _ := s.Value("severity")
	shift, err := prediction.ParseShift(name + ":" + severity)
	if err != nil {
		return nil, fmt.Errorf("corruption=%s&severity=%s: want a name and a severity from 1 (least) to %d", name, severity, prediction.MaxSeverity)
	}
	if shift.Benchmark = published()[s.Kind]; shift.Benchmark != "" {
		return &shift, nil
	}
	shift.Benchmark, _ = s.Value("corruption-preset")
	if text, ok := s.Value("corruption-seed"); ok {
		if shift.Seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, fmt.Errorf("corruption-seed=%s: want a whole number from 0", text)
		}
	}
	return &shift, nil
}

// shiftOf is the shift that data are of: what the source says, and what the user
// calls it, which may add a benchmark to it but not contradict. nil for clean
// data.
func shiftOf(source dataset.Source, called string) (*prediction.Shift, error) {
	says, err := sourceShift(source)
	if err != nil || called == "" {
		return says, err
	}
	named, err := prediction.ParseShift(called)
	switch {
	case err != nil:
		return nil, err
	case says == nil:
		return &named, nil
	case says.Name != named.Name:
		return nil, fmt.Errorf("%s: the data are of %s, as their options say", called, says.Name)
	}
	if named.Benchmark != "" {
		says.Benchmark = named.Benchmark
	}
	return says, nil
}

// groups of corruptions that have a name.
const (
	groupCommon = "common"
	groupExtra  = "extra"
	groupAll    = "all"
)

// resolveCorruptions are the corruptions that a name stands for.
func resolveCorruptions(name string) ([]string, error) {
	switch name {
	case groupCommon:
		return corrupt.Common(), nil
	case groupExtra:
		return corrupt.Extra(), nil
	case groupAll:
		return corrupt.Names(), nil
	}
	if _, err := corrupt.New(corrupt.Options{Name: name, Severity: 1}); err != nil {
		return nil, errors.New(strictyaml.Unknown("corruption", name, append(corrupt.Names(), groupCommon, groupExtra, groupAll)))
	}
	return []string{name}, nil
}

// handedDown are the options that say how images reach a model: shifted ones
// take them from the test data unless they have their own.
func handedDown() []string {
	return []string{"resize", "crop", "filter", "channels", "scale", "mean", "std", "layout"}
}

// resolveShift says what shift a source of images is. Options that say how
// images reach the model are those of the test data where the source has none;
// if its images are the test data's, so is the limit.
func resolveShift(test, source, name string) (plan.Shift, error) {
	fail := func(err error) (plan.Shift, error) { return plan.Shift{}, err }
	s, err := dataset.ParseSource(source)
	if err != nil {
		return fail(err)
	}
	kind, err := dataKinds().Kind(s.Kind)
	if err != nil {
		return fail(err)
	}
	clean, err := dataset.ParseSource(test)
	if err != nil {
		return fail(err)
	}
	shift, err := shiftOf(s, name)
	switch {
	case err != nil:
		return fail(err)
	case shift == nil:
		shift = &prediction.Shift{Name: s.Kind}
	case kind.Shift != nil:
		if err := checkCorruption(kind, s); err != nil {
			return fail(err)
		}
	}
	options := handedDown()
	if shift.Paired {
		options = append(options, "limit")
	}
	for _, o := range options {
		v, inherited := clean.Value(o)
		if _, own := s.Value(o); inherited && !own {
			s = s.With(o, v)
		}
	}
	out := plan.Shift{Spec: plan.ShiftSpec(*shift), Source: s.String()}
	// The test data, changed, are known by what they are; other images by the name
	// of their folder, too: two folders of one kind are two data sets.
	folder := "-"
	if !shift.Paired {
		folder = filepath.Base(s.Path)
	}
	out.Identity, err = identityAt(out.Source, folder)
	return out, err
}

// checkCorruption refuses a corruption that there is not, before data are read.
func checkCorruption(kind *dataset.Kind, s dataset.Source) error {
	shift, err := sourceShift(s)
	if shift == nil || err != nil {
		return err
	}
	preset, _ := s.Value("corruption-preset")
	_, err = kind.Shift(dataset.ShiftRequest{Corruption: shift.Corruption, Severity: shift.Severity, Preset: preset, Seed: shift.Seed})
	return err
}
