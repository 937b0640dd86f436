package train

import (
	"context"
	"fmt"
	"math"
	"time"
)

func (t *trainer) endOfEpoch() bool { return t.step%t.perEpoch == 0 || t.step == t.steps }

// closeEpoch measures, writes the curve, and says whether training ends early.
func (t *trainer) closeEpoch(ctx context.Context) (done bool, err error) {
	n := float64(t.running.Images)
	e := Epoch{
		Epoch: (t.step + t.perEpoch - 1) / t.perEpoch, Step: t.step, Rate: t.rate.of(t.step - 1),
		Loss: float64(t.running.Loss) / n, Accuracy: float64(t.running.Correct) / n, Sparsity: t.sparsity(),
	}
	if t.eval != nil {
		defer t.clock.pause()()
		// Whole, or not at all: an epoch that is being closed is not resumed in its
		// middle.
		loss, accuracy, err := t.measure(context.WithoutCancel(ctx))
		if err != nil {
			return false, err
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return false, &Diverged{Step: t.step, Epoch: e.Epoch, What: fmt.Sprintf("the loss on images that are not trained on is %v", loss)}
		}
		e.ValidationLoss, e.ValidationAccuracy = &loss, &accuracy
	}
	t.curve = append(t.curve, e)
	t.running = tally{}
	if err := writeCurve(t.job.Output, t.curve); err != nil {
		return false, err
	}
	t.report()
	return t.patient(e), nil
}

// patient reports whether the loss has not become less for as many epochs as
// the recipe bears, after the last pruning update.
func (t *trainer) patient(e Epoch) (done bool) {
	if t.recipe.Patience == 0 || t.schedule.Frequency > 0 && t.step <= t.schedule.End {
		return false
	}
	if t.best.Epoch == 0 || *e.ValidationLoss < float64(t.best.Loss) {
		t.best = best{Loss: exact(*e.ValidationLoss), Epoch: e.Epoch}
		return false
	}
	if e.Epoch-t.best.Epoch < t.recipe.Patience {
		return false
	}
	t.note("ends early: the loss has not become less since epoch %d", t.best.Epoch)
	return true
}

// sparsity is what is asked for after the steps that are done.
func (t *trainer) sparsity() float64 {
	if t.schedule.Frequency == 0 || t.step == 0 {
		return 0
	}
	last := 0.0
	for n, s := range t.schedule.Updates() {
		if n >= t.step {
			break
		}
		if last = s; t.recipe.Pruning.Scope == Scope24 {
			last = t.job.Sparsity // from the first update on
		}
	}
	return last
}

func (t *trainer) report() {
	if t.job.Progress == nil {
		return
	}
	p := Progress{Step: t.step, Steps: t.steps, Epoch: min(t.step, t.steps-1)/t.perEpoch + 1, Epochs: (t.steps + t.perEpoch - 1) / t.perEpoch, Sparsity: t.sparsity()}
	if n := len(t.curve); n > 0 {
		p.Loss, p.Accuracy, p.Validation = t.curve[n-1].Loss, t.curve[n-1].Accuracy, t.curve[n-1].ValidationAccuracy
	}
	if n := float64(t.running.Images); n > 0 {
		p.Loss, p.Accuracy = float64(t.running.Loss)/n, float64(t.running.Correct)/n
	}
	if per := t.clock.perStep(); per > 0 {
		p.ImagesPerSecond = float64(t.recipe.Batch) / per.Seconds()
		p.Left = time.Duration(float64(per) * float64(t.steps-t.step))
	}
	t.job.Progress(p)
}
