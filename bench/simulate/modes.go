package main

import (
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// design is a specification of the class scenarios in short.
type design struct {
	classes, size int     // classes and examples of each
	recall        float64 // of the baseline
	k0, kt        int     // members; kt is the members of a lineage where paired
	keep          float64 // share of the lineage's draws that a paired variant keeps, 0: unpaired
	sd            float64 // of the members' accuracies
	harmed        int     // classes at dbar − h; as many are at dbar + h
	dbar, h       float64 // mean change and distance of the planted classes from it
	drawn         bool    // examples are drawn anew for every seed
}

// spec plants a balanced effect (method: 3.11 ii): the rest of the classes
// change exactly as the model does, so that their normalized null is true.
func (d design) spec() planted.Spec {
	s := planted.DefaultSpec(d.classes*d.size, d.classes)
	s.Classes = planted.Balanced(d.classes*d.size, d.classes, d.recall)
	s.Seed, s.Levels, s.NoIDs = 1, 256, true
	if d.drawn {
		s.Sampling = planted.Drawn
	}
	loss := map[int]float64{}
	for c := range d.harmed {
		loss[c], loss[d.classes-1-c] = d.h, -d.h
	}
	s.Variants = []planted.Variant{
		{Name: "dense", Kind: prediction.KindDense, Members: d.k0, AccuracySD: d.sd},
		{Name: "compressed", Kind: prediction.KindOther, Members: d.kt, AccuracySD: d.sd, Loss: -d.dbar, ClassLoss: loss},
	}
	if d.keep > 0 {
		s.Variants[1].Paired, s.Variants[1].KeepShare = true, d.keep
	}
	return s
}

// classScenario makes a scenario of class tests; predict, if not nil, gives the
// power that stat predicts.
func classScenario(mode, name, about string, d design, exact bool, predict func(*classTests) func(string, int) (float64, bool)) scenario {
	return scenario{Name: mode + "/" + name, Mode: mode, About: about, Make: func() (experiment, error) {
		c, err := newClassTests(d.spec(), exact)
		if err != nil {
			return nil, err
		}
		if predict != nil && d.harmed > 0 {
			c.predict = predict(c)
		}
		return c, nil
	}}
}

// scenarios are all scenarios of the study, in the order of its table.
func scenarios() []scenario {
	var out []scenario
	out = append(out, welchScenarios()...)
	out = append(out, pairedScenarios()...)
	out = append(out, mcnemarScenarios()...)
	out = append(out, pieScenarios()...)
	out = append(out, robustScenarios()...)
	return append(out, gateScenarios()...)
}

func welchScenarios() []scenario {
	base := design{classes: 20, size: 100, recall: 0.85, k0: 30, kt: 30}
	with := func(change func(*design)) design {
		d := base
		change(&d)
		return d
	}
	balanced := func(d *design) { d.harmed, d.h = 4, 0.02 }
	return []scenario{
		classScenario("welch", "null", "no effect, K = 30", base, false, nil),
		classScenario("welch", "null-k5", "no effect, K = 5", with(func(d *design) { d.k0, d.kt = 5, 5 }), false, nil),
		classScenario("welch", "null-uneven", "no effect, K = 30 and 8", with(func(d *design) { d.kt = 8 }), false, nil),
		classScenario("welch", "null-ability", "no effect, members' accuracy sd 2 pp", with(func(d *design) { d.sd = 0.02 }), true, nil),
		classScenario("welch", "null-ceiling", "no effect, recall .99", with(func(d *design) { d.recall = 0.99 }), false, nil),
		classScenario("welch", "planted", "4 classes −2 pp, 4 classes +2 pp, K = 30", with(balanced), false, welchPower),
		classScenario("welch", "planted-k10", "4 classes −3.5 pp, 4 classes +3.5 pp, K = 10", with(func(d *design) {
			d.k0, d.kt, d.harmed, d.h = 10, 10, 4, 0.035
		}), false, welchPower),
		classScenario("welch", "planted-loss", "all −2 pp; beyond that 4 classes −3 pp, 4 classes +3 pp, K = 30", with(func(d *design) {
			d.harmed, d.dbar, d.h = 4, -0.02, 0.03
		}), false, welchPower),
		classScenario("welch", "planted-ability", "4 classes −2 pp, 4 classes +2 pp, members' accuracy sd 2 pp, K = 30", with(func(d *design) {
			balanced(d)
			d.sd = 0.02
		}), true, welchPower),
	}
}

func pairedScenarios() []scenario {
	base := design{classes: 20, size: 100, recall: 0.85, k0: 30, kt: 1, keep: 0.9}
	with := func(change func(*design)) design {
		d := base
		change(&d)
		return d
	}
	balanced := func(d *design) { d.harmed, d.h = 4, 0.007 }
	return []scenario{
		classScenario("paired", "null", "no effect, 30 lineages, 90 % of draws kept", base, false, nil),
		classScenario("paired", "null-k5", "no effect, 5 lineages", with(func(d *design) { d.k0 = 5 }), false, nil),
		classScenario("paired", "null-three", "no effect, 10 lineages with 3 members each", with(func(d *design) { d.k0, d.kt = 10, 3 }), false, nil),
		classScenario("paired", "null-ability", "no effect, members' accuracy sd 2 pp", with(func(d *design) { d.sd = 0.02 }), true, nil),
		classScenario("paired", "planted", "4 classes −.7 pp, 4 classes +.7 pp, 30 lineages", with(balanced), false, pairedPower),
		classScenario("paired", "planted-k10", "4 classes −1.2 pp, 4 classes +1.2 pp, 10 lineages", with(func(d *design) {
			d.k0, d.harmed, d.h = 10, 4, 0.012
		}), false, pairedPower),
		classScenario("paired", "planted-k10-large", "4 classes −.6 pp, 4 classes +.6 pp of 400, 10 lineages", with(func(d *design) {
			d.k0, d.size, d.harmed, d.h = 10, 400, 4, 0.006
		}), false, pairedPower),
		classScenario("paired", "planted-loss", "all −1 pp; beyond that 4 classes −1 pp, 4 classes +1 pp, 30 lineages", with(func(d *design) {
			d.harmed, d.dbar, d.h = 4, -0.01, 0.01
		}), false, pairedPower),
		classScenario("paired", "planted-ability", "4 classes −.7 pp, 4 classes +.7 pp, members' accuracy sd 2 pp", with(func(d *design) {
			balanced(d)
			d.sd = 0.02
		}), true, pairedPower),
	}
}

func mcnemarScenarios() []scenario {
	base := design{classes: 10, size: 400, recall: 0.85, k0: 1, kt: 1, keep: 0.6, drawn: true}
	with := func(change func(*design)) design {
		d := base
		change(&d)
		return d
	}
	return []scenario{
		classScenario("mcnemar", "null", "no effect, 10 classes of 400", base, true, nil),
		classScenario("mcnemar", "null-small", "no effect, 10 classes of 100", with(func(d *design) { d.size = 100 }), true, nil),
		classScenario("mcnemar", "null-independent", "no effect, two models trained independently", with(func(d *design) { d.keep = 0 }), true, nil),
		classScenario("mcnemar", "planted", "2 classes −4 pp, 2 classes +4 pp of 400", with(func(d *design) { d.harmed, d.h = 2, 0.04 }), true, mcnemarPower),
		classScenario("mcnemar", "planted-loss", "all −3 pp; beyond that 2 classes −4 pp, 2 classes +4 pp of 400", with(func(d *design) {
			d.harmed, d.dbar, d.h = 2, -0.03, 0.04
		}), true, mcnemarPower),
	}
}
