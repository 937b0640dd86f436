package infer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// blameRun computes the restored models of one compressed member.
type blameRun struct {
	job             *Job
	o               BlameOptions
	pair            *pairRun
	examples        []int // to run, as the data set numbers them
	labels          prediction.Column
	member, members int // for the progress
}

// runner is one restored model: the whole, or the part behind the cut.
type runner struct {
	layer   int
	session engine.Session
	reads   []string // values of the compressed model that it wants
	outs    []string // what the layer gives
}

// run gives the answers of the compressed member and of each restored one.
func (w *blameRun) run(ctx context.Context) ([]*answers, error) {
	classes := len(w.job.Data.Classes())
	out := make([]*answers, 1+len(w.pair.plan.Layers))
	for i := range out {
		out[i] = newAnswers(len(w.examples), classes)
	}
	done := 0
	for _, group := range w.groups() {
		if err := w.pass(ctx, group, out, &done); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// groups are the layers that are done in one pass over the images.
func (w *blameRun) groups() [][]int {
	per := int64(0)
	for _, t := range w.pair.base.Graph.Initializers {
		per += int64(len(t.Raw))
	}
	size := len(w.pair.plan.Layers)
	if per > 0 {
		size = int(max(1, min(int64(size), w.o.WeightBytes/per)))
	}
	var all []int
	for i := range w.pair.plan.Layers {
		all = append(all, i)
	}
	return slices.Collect(slices.Chunk(all, size))
}

// pass runs one group of layers over all examples, block by block; blocks that
// an earlier run finished are read.
func (w *blameRun) pass(ctx context.Context, group []int, out []*answers, done *int) (err error) {
	var models *blameModels
	defer func() {
		if models != nil {
			err = errors.Join(err, models.close())
		}
	}()
	picked := []*answers{out[0]}
	for _, layer := range group {
		picked = append(picked, out[layer+1])
	}
	for from := 0; from < len(w.examples); from += w.o.Block {
		n := min(w.o.Block, len(w.examples)-from)
		name := filepath.Join(w.job.Work, fmt.Sprintf("%s-%05d-%07d.blame", w.pair.key, group[0], from))
		if !readBlock(name, picked, from, n) {
			if models == nil {
				if models, err = w.open(group, false); err != nil {
					return err
				}
			}
			if err := w.block(ctx, models, picked, from, n, *done); err != nil {
				return err
			}
			if err := writeBlock(name, picked, from, n); err != nil {
				return err
			}
		}
		*done += n * len(group)
		w.progress(*done)
	}
	return nil
}

func (w *blameRun) progress(done int) {
	if all := len(w.examples) * len(w.pair.plan.Layers); w.o.Progress != nil {
		w.o.Progress(w.member*all+done, w.members*all)
	}
}

// blameModels are the sessions of one pass.
type blameModels struct {
	tapped engine.Session
	ports  ports
	parts  []runner
}

func (m *blameModels) close() error {
	errs := []error{m.tapped.Close()}
	for _, p := range m.parts {
		errs = append(errs, p.session.Close())
	}
	return errors.Join(errs...)
}

// open compiles the compressed model with the cuts as outputs, and what comes
// behind each cut. With outs, it gives what the layers give as well.
func (w *blameRun) open(group []int, outs bool) (*blameModels, error) {
	m := &blameModels{}
	o := w.job.Engine
	o.FreeBatch = true
	var cuts []string
	for _, i := range group {
		r := runner{layer: i}
		model, err := w.restored(&r, outs)
		if err != nil {
			return nil, errors.Join(err, closeAll(m.parts))
		}
		if r.session, err = engine.New(model, o); err != nil {
			return nil, errors.Join(fmt.Errorf("layer %s restored: %w", w.pair.plan.Layers[i].Name, err), closeAll(m.parts))
		}
		m.parts = append(m.parts, r)
		cuts = append(cuts, r.reads...)
		if outs {
			cuts = append(cuts, r.outs...)
		}
	}
	tapped, err := w.pair.plan.Tapped(cuts)
	if err == nil {
		m.tapped, err = engine.New(tapped, o)
	}
	if err != nil {
		return nil, errors.Join(err, closeAll(m.parts))
	}
	return m, nil
}

func closeAll(parts []runner) error {
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.session.Close())
	}
	return errors.Join(errs...)
}

// restored is the model that a runner runs.
func (w *blameRun) restored(r *runner, outs bool) (*onnx.Model, error) {
	part, err := w.pair.plan.Part(r.layer, outs)
	if err != nil {
		return nil, err
	}
	r.reads, r.outs = part.Reads, part.Outs
	if !w.o.Naive {
		return part.Model, nil
	}
	m, err := w.pair.plan.Model(r.layer)
	if err != nil {
		return nil, err
	}
	r.reads = []string{m.Graph.DataInputs()[0].Name}
	return m, nil
}

// block computes n examples from the given one on.
func (w *blameRun) block(ctx context.Context, m *blameModels, out []*answers, from, n, done int) error {
	row := from
	p, subset := make([]float64, len(w.job.Data.Classes())), subsetOf(w.job.Data)
	fill := func(a *answers, at int, scores []float32) error {
		for _, v := range scores {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("example %d: a score is %v", at, v)
			}
		}
		kind := w.pair.kind
		if subset != nil {
			scores = slices.Clone(scores) // others may read them
			among(scores, subset, kind)
			kind = prediction.Probabilities
		}
		best := highest(scores, subset)
		probabilities(p, scores, kind)
		a.predicted.Set(at, best)
		a.confidence[at], a.trueScore[at] = float32(p[best]), float32(p[w.labels.At(at)])
		return nil
	}
	return w.batches(ctx, m, w.examples[from:from+n], func(values map[string]engine.Tensor, real int) error {
		for k := range len(m.parts) + 1 {
			result, what := values, w.pair.cand.Path
			if k > 0 {
				what = "layer " + w.pair.plan.Layers[m.parts[k-1].layer].Name + " restored"
				var err error
				if result, err = m.parts[k-1].run(ctx, values); err != nil {
					return fmt.Errorf("%s: %w", what, err)
				}
			}
			scores, err := tensor.Of[float32](result[m.ports.out.Name])
			if err != nil {
				return fmt.Errorf("%s: output %s: %w", what, m.ports.out.Name, err)
			}
			for i := range real {
				if err := fill(out[k], row+i, scores[i*len(p):(i+1)*len(p)]); err != nil {
					return fmt.Errorf("%s: %w", what, err)
				}
			}
		}
		row += real
		w.progress(done + (row-from)*len(m.parts))
		return nil
	})
}

func (r *runner) run(ctx context.Context, values map[string]engine.Tensor) (map[string]engine.Tensor, error) {
	in := make(map[string]engine.Tensor, len(r.reads))
	for _, name := range r.reads {
		in[name] = values[name]
	}
	return r.session.Run(ctx, in)
}

// cut says how many images are computed at once: as for the compressed model,
// unless what is behind a cut bears less.
func (w *blameRun) cut(m *blameModels, shape dataset.Shape) (cut, error) {
	how, err := cutFor(m.tapped, w.pair.cand, m.ports, shape, w.job.Options.Batch)
	if err != nil || m.ports.batch == 0 {
		return how, err
	}
	for _, p := range m.parts {
		if b, ok := p.session.(batcher); !ok || !b.FreeBatch() {
			how.images = m.ports.batch
		}
	}
	return how, nil
}

// batches runs the compressed model over examples and hands on its values, its
// inputs among them, and how many images of the batch are real.
func (w *blameRun) batches(ctx context.Context, m *blameModels, examples []int, do func(values map[string]engine.Tensor, real int) error) error {
	lo := dataset.DefaultLoaderOptions()
	lo.Preprocess, lo.BadLimit, lo.Batch, lo.Order = w.job.Preprocess, 0, 1, examples
	loader, err := dataset.NewLoader(ctx, w.job.Data, lo)
	if err != nil {
		return err
	}
	shape := loader.Shape()
	if m.ports, err = portsOf(m.tapped, shape, len(w.job.Data.Classes())); err != nil {
		return err
	}
	how, err := w.cut(m, shape)
	if err != nil {
		return err
	}
	lo.Batch = how.images
	if loader, err = dataset.NewLoader(ctx, w.job.Data, lo); err != nil {
		return err
	}
	size := shape.Len()
	for b, err := range loader.Batches(ctx) {
		if err != nil {
			return err
		}
		n, data := len(b.Index), slices.Clone(b.Data[:len(b.Index)*size])
		if short := (how.fill - n%how.fill) % how.fill; short > 0 {
			n, data = n+short, append(data, make([]float32, short*size)...)
		}
		dims := shape.Dims(n)
		in, err := tensor.New(dims[:], data)
		if err != nil {
			return err
		}
		inputs := map[string]engine.Tensor{m.ports.in.Name: in}
		values, err := m.tapped.Run(ctx, inputs)
		if err != nil {
			return err
		}
		maps.Copy(values, inputs)
		if err := do(values, len(b.Index)); err != nil {
			return err
		}
	}
	return nil
}

// A finished block is a file of 12 bytes for each model and example: the class
// as int32, confidence and score of the true class as float32, little-endian.
const blockRow = 12

func writeBlock(name string, out []*answers, from, n int) error {
	return atomicfile.Write(name, func(f io.Writer) error {
		buf := make([]byte, 0, n*blockRow)
		for _, a := range out {
			buf = buf[:0]
			for i := from; i < from+n; i++ {
				buf = binary.LittleEndian.AppendUint32(buf, uint32(a.predicted.At(i)))
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(a.confidence[i]))
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(a.trueScore[i]))
			}
			if _, err := f.Write(buf); err != nil {
				return err
			}
		}
		return nil
	})
}

// readBlock reads a finished block; false: there is none, or it is not whole.
func readBlock(name string, out []*answers, from, n int) bool {
	b, err := os.ReadFile(name)
	if err != nil || len(b) != len(out)*n*blockRow {
		return false
	}
	for _, a := range out {
		for i := from; i < from+n; i++ {
			a.predicted.Set(i, int(binary.LittleEndian.Uint32(b)))
			a.confidence[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4:]))
			a.trueScore[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[8:]))
			b = b[blockRow:]
		}
	}
	return true
}
