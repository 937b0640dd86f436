package llm

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// kldMagic opens a file that llama-perplexity --kl-divergence-base wrote.
const kldMagic = "_logits_"

// leastLogProb is the log-probability below which llama-perplexity leaves tokens of
// the baseline out of the divergence.
const leastLogProb = -16

// kldFile is an open file of log-probabilities. After the magic come the context size,
// the vocabulary size and the number of chunks (int32 each), the tokens (int32, chunks x
// context), then for each chunk (context - 1 - context/2) rows of a vocabulary: float32
// scale and least log-probability, and a uint16 for each token, one more where the size
// of the vocabulary is odd. All little-endian.
type kldFile struct {
	name                  string
	f                     *os.File
	in                    *bufio.Reader
	context, vocab, chunk int
	tokens                []int32
}

// rowBytes is the size of one row.
func (k *kldFile) rowBytes() int { return 2 * (2*((k.vocab+1)/2) + 4) }

// rows is the number of rows of a chunk.
func (k *kldFile) rows() int { return k.context - 1 - k.context/2 }

// openKLD reads the head of a file and checks its length: the program that writes it
// does not notice a full disk.
func openKLD(name string) (*kldFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a file of llama-perplexity --kl-divergence-base", Got: err.Error()}
	}
	k := &kldFile{name: name, f: f, in: bufio.NewReaderSize(f, 1<<20)}
	if err := k.head(); err != nil {
		f.Close() // opened for reading: nothing is lost
		return nil, err
	}
	return k, nil
}

func (k *kldFile) head() error {
	info, err := k.f.Stat()
	if err != nil {
		return &Error{File: k.name, Want: "a readable file", Got: err.Error()}
	}
	var head [20]byte
	if _, err := io.ReadFull(k.in, head[:]); err != nil || string(head[:8]) != kldMagic {
		return &Error{File: k.name, Field: "magic", Want: "_logits_ and three numbers, as llama-perplexity writes", Got: "something else"}
	}
	size := func(at int) int { return int(int32(binary.LittleEndian.Uint32(head[at:]))) }
	k.context, k.vocab, k.chunk = size(8), size(12), size(16)
	for _, x := range []struct {
		name       string
		v, lo, top int
	}{{"n_ctx", k.context, 4, 1 << 24}, {"n_vocab", k.vocab, 2, 1 << 24}, {"n_chunk", k.chunk, 1, 1 << 24}} {
		if x.v < x.lo || x.v > x.top {
			return &Error{File: k.name, Field: x.name, Want: fmt.Sprintf("%d to %d", x.lo, x.top), Got: fmt.Sprint(x.v)}
		}
	}
	tokens := int64(k.context) * int64(k.chunk)
	want := 20 + 4*tokens + int64(k.chunk)*int64(k.rows())*int64(k.rowBytes())
	if info.Size() != want {
		return &Error{File: k.name, Want: fmt.Sprintf("%d bytes for %d chunks of %d tokens and a vocabulary of %d", want, k.chunk, k.context, k.vocab), Got: fmt.Sprintf("%d: the file is truncated or damaged", info.Size())}
	}
	raw := make([]byte, 4*k.context)
	k.tokens = make([]int32, 0, tokens)
	for range k.chunk {
		if _, err := io.ReadFull(k.in, raw); err != nil {
			return &Error{File: k.name, Field: "tokens", Want: "tokens", Got: err.Error()}
		}
		for i := range k.context {
			t := int32(binary.LittleEndian.Uint32(raw[4*i:]))
			if t < 0 || int(t) >= k.vocab {
				return &Error{File: k.name, Field: "tokens", Want: fmt.Sprintf("0 to %d", k.vocab-1), Got: fmt.Sprint(t)}
			}
			k.tokens = append(k.tokens, t)
		}
	}
	return nil
}

// KLD is how far the next-token distributions of a candidate are from the baseline's,
// over the same tokens of one text. Divergences are in nats.
type KLD struct {
	Tokens        int        `json:"tokens"` // that were predicted
	Chunks        int        `json:"chunks"`
	Vocabulary    int        `json:"vocabulary"`
	Mean          float64    `json:"mean_kld"`    // KL(baseline || candidate)
	MeanSE        float64    `json:"mean_kld_se"` // over chunks where there are two or more: tokens of a chunk are not independent
	SEUnit        string     `json:"se_unit"`     // "chunks" or "tokens"
	Quantiles     []Quantile `json:"quantiles"`   // of the divergence of a token
	Negative      int        `json:"negative"`    // tokens whose divergence came out below 0 by the rounding of the files; counted as 0
	SameTop       float64    `json:"same_top"`    // share of tokens whose most probable token is the same
	SameTopSE     float64    `json:"same_top_se"`
	PPLBase       float64    `json:"ppl_base"` // perplexity of the baseline
	PPL           float64    `json:"ppl"`
	LogRatio      float64    `json:"ln_ppl_ratio"` // ln(PPL / PPLBase)
	LogRatioSE    float64    `json:"ln_ppl_ratio_se"`
	MeanDeltaP    float64    `json:"mean_delta_p"` // of the probability of the right token, candidate minus baseline
	RMSDeltaP     float64    `json:"rms_delta_p"`
	BytesCompared int64      `json:"bytes"`
}

// Quantile is one quantile.
type Quantile struct {
	At    float64 `json:"at"` // in [0, 1]
	Value float64 `json:"value"`
}

// token is what two rows say of one token.
type token struct {
	kld, deltaP, logRatio, nllBase float64
	sameTop                        bool
}

// CompareKLD compares two files that llama-perplexity --kl-divergence-base wrote for
// the same text. It reads them side by side, chunk by chunk, and keeps 40 bytes a token.
func CompareKLD(ctx context.Context, baseline, candidate string) (_ *KLD, err error) {
	a, err := openKLD(baseline)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.f.Close()) }()
	b, err := openKLD(candidate)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.f.Close()) }()
	for _, x := range []struct {
		name string
		a, b int
	}{{"n_ctx", a.context, b.context}, {"n_vocab", a.vocab, b.vocab}, {"n_chunk", a.chunk, b.chunk}} {
		if x.a != x.b {
			return nil, &Error{File: candidate, Field: x.name, Want: fmt.Sprintf("%d, as in %s", x.a, baseline), Got: fmt.Sprint(x.b)}
		}
	}
	if !slices.Equal(a.tokens, b.tokens) {
		return nil, &Error{File: candidate, Field: "tokens", Want: "the tokens of " + baseline, Got: "another text"}
	}
	all, err := compareRows(ctx, a, b)
	if err != nil {
		return nil, err
	}
	return summarize(all, a), nil
}

// compareRows reads blocks of rows of both files and compares them on all cores.
func compareRows(ctx context.Context, a, b *kldFile) ([]token, error) {
	rows, size := a.rows(), a.rowBytes()
	all := make([]token, rows*a.chunk)
	block := max(1, (4<<20)/size)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(all) && ctx.Err() == nil; from += block {
		n := min(block, len(all)-from)
		x, y := make([]byte, n*size), make([]byte, n*size)
		for _, r := range []struct {
			k   *kldFile
			buf []byte
		}{{a, x}, {b, y}} {
			if _, err := io.ReadFull(r.k.in, r.buf); err != nil {
				return nil, errors.Join(&Error{File: r.k.name, Want: "rows of log-probabilities", Got: err.Error()}, g.Wait())
			}
		}
		g.Go(func() error {
			for i := range n {
				at := from + i
				next := a.tokens[at/rows*a.context+a.context/2+at%rows+1]
				var err error
				if all[at], err = compareRow(x[i*size:(i+1)*size], y[i*size:(i+1)*size], a.vocab, int(next)); err != nil {
					return fmt.Errorf("%s, %s: row %d: %w", a.name, b.name, at+1, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return all, ctx.Err()
}

// scaleOf reads the scale and the least log-probability of a row.
func scaleOf(row []byte) (scale, least float64, err error) {
	scale = float64(math.Float32frombits(binary.LittleEndian.Uint32(row)))
	least = float64(math.Float32frombits(binary.LittleEndian.Uint32(row[4:])))
	if !(scale >= 0) || math.IsInf(scale, 0) || math.IsNaN(least) || math.IsInf(least, 0) || least+scale*65535 > 1e-3 {
		return 0, 0, fmt.Errorf("want a scale and a least log-probability with the largest at most 0, got %v and %v", scale, least)
	}
	return scale, least, nil
}

// compareRow compares two rows; next is the token that follows.
func compareRow(x, y []byte, vocab, next int) (token, error) {
	sx, lx, err := scaleOf(x)
	if err != nil {
		return token{}, err
	}
	sy, ly, err := scaleOf(y)
	if err != nil {
		return token{}, err
	}
	x, y = x[8:], y[8:]
	var topX, topY uint16
	bestX, bestY := 0, 0
	kld := 0.0
	for i := range vocab {
		u, v := binary.LittleEndian.Uint16(x[2*i:]), binary.LittleEndian.Uint16(y[2*i:])
		if u > topX {
			topX, bestX = u, i
		}
		if v > topY {
			topY, bestY = v, i
		}
		if p := lx + sx*float64(u); p > leastLogProb {
			kld += math.Exp(p) * (p - ly - sy*float64(v))
		}
	}
	p := lx + sx*float64(binary.LittleEndian.Uint16(x[2*next:]))
	q := ly + sy*float64(binary.LittleEndian.Uint16(y[2*next:]))
	return token{kld: kld, deltaP: math.Exp(q) - math.Exp(p), logRatio: p - q, nllBase: -p, sameTop: bestX == bestY}, nil
}

// quantilesAsked are those that llama-perplexity prints, as shares.
func quantilesAsked() []float64 {
	return []float64{0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1}
}

func summarize(all []token, k *kldFile) *KLD {
	n := float64(len(all))
	out := &KLD{Tokens: len(all), Chunks: k.chunk, Vocabulary: k.vocab, BytesCompared: 2 * int64(len(all)) * int64(k.rowBytes())}
	values := make([]float64, len(all))
	var base, deltaP, squares float64
	for i := range all {
		if all[i].kld < 0 {
			out.Negative++
			all[i].kld = 0
		}
		values[i] = all[i].kld
		base += all[i].nllBase / n
		deltaP += all[i].deltaP / n
		squares += all[i].deltaP * all[i].deltaP / n
	}
	out.MeanDeltaP, out.RMSDeltaP = deltaP, math.Sqrt(squares)
	mean := func(f func(*token) float64) (float64, float64) { return meanOf(all, k.rows(), f) }
	out.Mean, out.MeanSE = mean(func(t *token) float64 { return t.kld })
	out.LogRatio, out.LogRatioSE = mean(func(t *token) float64 { return t.logRatio })
	out.SameTop, out.SameTopSE = mean(func(t *token) float64 {
		if t.sameTop {
			return 1
		}
		return 0
	})
	out.SEUnit = "chunks"
	if k.chunk < 2 {
		out.SEUnit = "tokens"
	}
	out.PPLBase, out.PPL = math.Exp(base), math.Exp(base+out.LogRatio)
	slices.Sort(values)
	for _, q := range quantilesAsked() {
		out.Quantiles = append(out.Quantiles, Quantile{q, quantile(values, q)})
	}
	return out
}

// meanOf is a mean and its standard error: over the means of chunks, which are of equal
// size, or over tokens where there is one chunk.
func meanOf(all []token, rows int, f func(*token) float64) (mean, se float64) {
	var units []float64
	if len(all) > rows {
		for from := 0; from < len(all); from += rows {
			sum := 0.0
			for i := range rows {
				sum += f(&all[from+i])
			}
			units = append(units, sum/float64(rows))
		}
	} else {
		for i := range all {
			units = append(units, f(&all[i]))
		}
	}
	n := float64(len(units))
	for _, u := range units {
		mean += u / n
	}
	if n < 2 {
		return mean, 0
	}
	ss := 0.0
	for _, u := range units {
		ss += (u - mean) * (u - mean)
	}
	return mean, math.Sqrt(ss / (n - 1) / n)
}

// quantile interpolates in sorted values, as llama-perplexity does.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	w := at - float64(i)
	return (1-w)*sorted[i] + w*sorted[i+1]
}
