package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/runner"
	"github.com/lethe-audit/lethe/train"
	"github.com/lethe-audit/lethe/zoo"
)

// Estimate measures a step of training once and reckons from it, or from what
// training took where no member is left to train.
func (x *jobs) Estimate(ctx context.Context, p *plan.Plan) (map[string]runner.Cost, error) {
	x.once.Do(func() { x.costs, x.err = x.estimate(ctx, p) })
	return x.costs, x.err
}

// Rough figures for what is not measured: a forward pass is about a third of a
// training step, and a checkpoint holds weights, momentum and masks.
const (
	forwardShare    = 1.0 / 3
	checkpointTimes = 4
	measuredSteps   = 2
)

func (x *jobs) estimate(ctx context.Context, p *plan.Plan) (map[string]runner.Cost, error) {
	out := map[string]runner.Cost{}
	trained, tested := x.images()
	steps := map[string]time.Duration{} // by recipe
	left := slices.ContainsFunc(p.Jobs, func(j *plan.Job) bool { return j.Kind == plan.Train && x.recorded[j.ID] == nil })
	var forward float64 // seconds an image
	var size int64      // bytes of a model
	for _, j := range p.Jobs {
		switch j.Kind {
		case plan.Train:
			var s plan.TrainSpec
			if err := j.Decode(&s); err != nil {
				return nil, err
			}
			r, err := train.RecipeFromJSON(s.Recipe)
			if err != nil {
				return nil, err
			}
			count := train.StepsOf(r, trained)
			step, seen := steps[string(s.Recipe)]
			switch {
			case !left:
				step, size = x.took(j, count)
				step = max(step, steps[string(s.Recipe)]) // some went on where others had stopped
			case !seen:
				if step, size, err = x.measure(ctx, s, r); err != nil {
					return nil, err
				}
			}
			steps[string(s.Recipe)] = step
			forward = forwardShare * step.Seconds() / float64(r.Batch)
			out[j.ID] = runner.Cost{Seconds: step.Seconds() * float64(count), Bytes: checkpointTimes * size}
		case plan.Compress:
			var s plan.CompressSpec
			if err := j.Decode(&s); err != nil {
				return nil, err
			}
			out[j.ID] = runner.Cost{Seconds: forward * float64(s.Images), Bytes: size}
		case plan.Predict:
			var s plan.PredictSpec
			if err := j.Decode(&s); err != nil {
				return nil, err
			}
			out[j.ID] = x.predictCost(&s, len(j.Needs)*tested, forward)
		case plan.Audit:
		}
	}
	return out, nil
}

// predictCost reckons what it takes to run models over images, as many as their
// product, at a time for each. The audit copies what is left.
func (x *jobs) predictCost(s *plan.PredictSpec, images int, forward float64) runner.Cost {
	row := 1 + 4*x.classes() // the class and all scores
	if s.Shift != nil {
		row = 20 // no scores: classes of the highest, two probabilities
	}
	return runner.Cost{Seconds: forward * float64(images) / float64(cores()), Bytes: 2 * int64(images) * int64(row)}
}

// took is the time of a step and the size of the model of a member that is
// trained, as its record says.
func (x *jobs) took(j *plan.Job, steps int) (time.Duration, int64) {
	r := x.recorded[j.ID]
	step := time.Duration(r.Seconds / float64(max(steps, 1)) * float64(time.Second))
	if len(r.Outputs) == 0 {
		return step, 0 // no record of ours
	}
	return step, r.Outputs[0].Bytes
}

// measure measures a step of training and the size of a model.
func (x *jobs) measure(ctx context.Context, s plan.TrainSpec, r train.Recipe) (time.Duration, int64, error) {
	var m *onnx.Model
	var err error
	name, ok := strings.CutPrefix(s.Model, zooPrefix)
	switch {
	case x.train != nil || !ok:
		m, err = x.network(ctx, s, 0)
	default: // without data: as the network's source has it
		var a zoo.Architecture
		if a, err = zoo.Find(name); err == nil {
			m, err = zoo.Build(name, a.Config())
		}
	}
	if err != nil {
		return 0, 0, err
	}
	defer m.Close()
	facts, err := onnx.Inspect(m, nil)
	if err != nil {
		return 0, 0, err
	}
	step, err := train.StepTime(ctx, m, r, 1, measuredSteps)
	return step, 4 * facts.Parameters, err
}

// Numbers of images that are assumed where the data are not at hand: those of
// CIFAR-10.
const (
	assumedTraining = 50_000
	assumedTest     = 10_000
)

// images are the numbers of training and test images.
func (x *jobs) images() (trained, tested int) {
	if x.train != nil {
		return x.train.Dataset.Len(), x.test.Dataset.Len()
	}
	return limited(x.plan.TrainData, assumedTraining), limited(x.plan.TestData, assumedTest)
}

// limited is n, or what the source's limit says if that is less.
func limited(source string, n int) int {
	s, err := dataset.ParseSource(source)
	if err != nil {
		return n
	}
	if text, ok := s.Value("limit"); ok {
		if limit, err := strconv.Atoi(text); err == nil {
			return min(limit, n)
		}
	}
	return n
}

// classes is the number of classes; without data, CIFAR-10's.
func (x *jobs) classes() int {
	if x.train == nil {
		return 10
	}
	return len(x.train.Dataset.Classes())
}
