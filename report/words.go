package report

import (
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// reasonText says in plain words why something could not be measured.
func reasonText(r finding.Reason) string {
	switch r {
	case finding.NoMemberVariance:
		return "all members agree exactly: no spread to test against"
	case finding.Ceiling:
		return "recall is 0 or 1 in every member"
	case finding.TooFewMembers:
		return "too few members"
	case finding.TooFewExamples:
		return "too few examples"
	case finding.TooFewDiscordant:
		return "too few changed answers to reach the level"
	case finding.KTooSmall:
		return "with so few votes no example could reach the level"
	case finding.NoScores:
		return "scores were not recorded"
	case finding.NoTrainCounts:
		return "training frequencies are not known"
	case finding.NoAttributes:
		return "examples have no groups"
	case finding.NoPositiveClass:
		return "no positive class was chosen"
	case finding.OneVariant:
		return "a curve needs two variants or more of one kind"
	case finding.NoOrder:
		return "variants have no levels to order them by"
	case finding.BaselineAtChance:
		return "the baseline is no better than guessing"
	case finding.Identical:
		return "the predictions equal the baseline's"
	case finding.SharedLineageOnly:
		return "needs independently trained members"
	case finding.NothingToMeasure:
		return "there are no such examples"
	case finding.ComplementOfOther:
		return "the same test as its complement"
	case finding.NotIndependent:
		return "the units are not independent"
	case finding.Undecided:
		return "not enough evidence at the margin"
	case finding.NotComputed:
		return "left out by an option"
	case finding.NoImages:
		return "the images were not at hand"
	case finding.NoHumanLabels:
		return "no labels by people were given"
	case finding.NoModelFiles:
		return "the model files were not at hand"
	case finding.NoneWithin:
		return "no variant is shown to be within the margin"
	case finding.SameWeights:
		return "the weights are the baseline's"
	case finding.OneJudge:
		return "no image was judged by two people"
	case finding.OneAnswer:
		return "everybody gave the same answer about every image"
	case finding.ClaimNotFound:
		return "the compression that the file claims is not in its weights"
	case "":
		return ""
	default:
		return strings.ReplaceAll(string(r), "_", " ")
	}
}

// wordOf is the plain verdict of one finding.
func wordOf(f *finding.Finding) string {
	switch {
	case f.Outcome == finding.Failed:
		return "void: " + reasonText(f.Reason)
	case f.Outcome == finding.NotMeasurable:
		return "cannot say: " + reasonText(f.Reason)
	case f.Word != "":
		return string(f.Word)
	case f.Outcome == finding.Worse:
		return "worse"
	case f.Outcome == finding.Better:
		return "better"
	case f.Outcome == finding.NotDetected:
		return string(finding.NoDifference)
	default:
		return ""
	}
}

// value formats a number of a unit.
func value(v float64, u finding.Unit) string {
	switch u {
	case finding.Share:
		return num.Share(v)
	case finding.Difference:
		return num.PP(v)
	case finding.Ratio:
		return num.Ratio(v)
	case finding.Count:
		return num.Number(v)
	case finding.Nats:
		return num.Number(v) + " nats"
	case finding.Bits:
		return num.Number(v) + " bits"
	default:
		return num.Number(v)
	}
}

// opt formats a number that may be missing.
func opt(v *float64, u finding.Unit) string {
	if v == nil {
		return ""
	}
	return value(*v, u)
}

// sideUnit is the unit of the two values that a finding of unit u compares.
func sideUnit(f *finding.Finding) finding.Unit {
	if f.Unit == finding.Ratio {
		return finding.Share
	}
	if f.Unit == finding.Difference && !strings.HasPrefix(f.Metric, "normalized") {
		return finding.Share
	}
	return f.Unit
}

// bounds formats an interval in the unit of its estimate.
func bounds(i *finding.Interval, u finding.Unit) string {
	switch {
	case i == nil:
		return ""
	case u == finding.Difference:
		return num.PPBounds(i.Low, i.High)
	case u == finding.Share:
		return num.ShareBounds(i.Low, i.High)
	default:
		return num.Bounds(i.Low, i.High)
	}
}

// estimate formats an estimate with its interval: "-3.2 pp [-4.1, -2.3]".
func estimate(f *finding.Finding) string {
	switch {
	case f.Estimate == nil:
		return ""
	case f.Interval == nil:
		return value(*f.Estimate, f.Unit)
	case f.Unit == finding.Difference:
		return num.PPInterval(*f.Estimate, f.Interval.Low, f.Interval.High)
	default:
		return value(*f.Estimate, f.Unit) + " " + bounds(f.Interval, f.Unit)
	}
}

// decides is the p-value that decided a finding under the correction, and its
// letter: q where the family was corrected, p where not.
func decides(f *finding.Finding, s *finding.Settings) (letter string, v *float64) {
	t := f.Test
	switch {
	case t == nil:
		return "", nil
	case t.Family != nil && t.Family.Size == 1: // nothing to correct
		return "p", t.P
	case s.FDR == "holm" && t.Holm != nil:
		return "Holm p", t.Holm
	case s.FDR == "by" && t.BY != nil:
		return "q (BY)", t.BY
	case s.FDR == "bh" && t.Q != nil:
		return "q", t.Q
	default:
		return "p", t.P
	}
}

// surely is the deciding p-value as a statement, "" where there is none.
func surely(f *finding.Finding, s *finding.Settings) string {
	letter, v := decides(f, s)
	switch {
	case v == nil:
		return ""
	case letter == "p":
		return num.P(*v)
	case letter == "q":
		return num.Q(*v)
	default:
		return letter + " " + strings.TrimPrefix(num.P(*v), "p ")
	}
}

// correction names the correction in plain words.
func correction(fdr string) string {
	switch fdr {
	case "bh":
		return "Benjamini-Hochberg"
	case "by":
		return "Benjamini-Yekutieli"
	case "holm":
		return "Holm"
	case "none":
		return "no correction"
	default:
		return fdr
	}
}

// sentence ends a text with a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}

// list joins texts: "a", "a and b", "a, b and c".
func list(texts []string) string {
	switch n := len(texts); n {
	case 0:
		return ""
	case 1:
		return texts[0]
	default:
		return strings.Join(texts[:n-1], ", ") + " and " + texts[n-1]
	}
}

// kindText describes a population: "pruned, 0.7", "quantized, 8 bits".
func kindText(p *finding.Population) string {
	if p == nil {
		return ""
	}
	if p.Level == nil {
		return p.Kind
	}
	switch p.Kind {
	case "pruned":
		return "pruned, sparsity " + num.Setting(*p.Level)
	case "quantized":
		return "quantized, " + num.Setting(*p.Level) + " bits"
	default:
		return p.Kind + ", level " + num.Setting(*p.Level)
	}
}

// members says how many models a population has.
func members(n int) string { return num.Plural(n, "member", "members") }
