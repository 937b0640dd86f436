package infer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/prediction"
)

// lookVersion is the version of how images are measured; another one is
// measured again.
const lookVersion = 1

// look measures every image of the table's examples, or takes up what an
// earlier run measured.
func look(ctx context.Context, job *Job, t *prediction.Table, data []byte) ([]prediction.Measure, error) {
	key := sha256.Sum256(fmt.Append(nil, "look", lookVersion, t.Len(), hex.EncodeToString(data)))
	name := filepath.Join(job.Work, hex.EncodeToString(key[:16])+".look")
	contrast, sharpness := make([]float32, t.Len()), make([]float32, t.Len())
	measures := []prediction.Measure{{Name: prediction.Contrast, Values: contrast}, {Name: prediction.Sharpness, Values: sharpness}}
	if raw, err := os.ReadFile(name); err == nil && len(raw) == 8*t.Len() {
		for i := range contrast {
			contrast[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[8*i:]))
			sharpness[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[8*i+4:]))
		}
		return measures, nil
	}
	if err := lookAt(ctx, job, t, contrast, sharpness); err != nil {
		return nil, err
	}
	return measures, atomicfile.Write(name, func(w io.Writer) error {
		raw := make([]byte, 0, 8*t.Len())
		for i := range contrast {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(contrast[i]))
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(sharpness[i]))
		}
		_, err := w.Write(raw)
		return err
	})
}

// lookAt measures the images on all cores that the job may use. What is
// measured of an image depends on nothing else.
func lookAt(ctx context.Context, job *Job, t *prediction.Table, contrast, sharpness []float32) error {
	rows := goodExamples(t, job.Data)
	workers := job.Engine.Threads
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var telling sync.Mutex
	done := 0
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			pp, err := dataset.NewPreprocessor(job.Preprocess)
			for err == nil {
				row := int(next.Add(1) - 1)
				if row >= len(rows) || ctx.Err() != nil {
					return
				}
				if contrast[row], sharpness[row], err = lookOne(ctx, pp, job.Data, rows[row]); err != nil {
					next.Store(int64(len(rows))) // the others stop
				}
				if job.Looked != nil {
					telling.Lock()
					if done++; done%256 == 0 || done == len(rows) {
						job.Looked(done, len(rows))
					}
					telling.Unlock()
				}
			}
			errs[w] = err
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func lookOne(ctx context.Context, pp *dataset.Preprocessor, d dataset.Dataset, i int) (contrast, sharpness float32, err error) {
	im, err := d.Image(ctx, i)
	if err != nil {
		return 0, 0, err
	}
	if im, err = pp.Fit(im); err != nil {
		return 0, 0, fmt.Errorf("infer: example %s: %w", d.Example(i).ID, err)
	}
	contrast, sharpness = measure(im.Gray())
	return contrast, sharpness, nil
}

// measure gives [prediction.Contrast] and [prediction.Sharpness] of a picture
// in one channel. Sums are of integers, so that they are exact.
func measure(im *dataset.Image) (contrast, sharpness float32) {
	w, h := im.Width, im.Height
	var light, laplacian moments
	for y := range h {
		row := im.Pix[y*w : (y+1)*w]
		above := im.Pix[max(y-1, 0)*w:]
		below := im.Pix[min(y+1, h-1)*w:]
		for x, v := range row {
			light.add(int64(v))
			left, right := row[max(x-1, 0)], row[min(x+1, w-1)]
			laplacian.add(int64(above[x]) + int64(below[x]) + int64(left) + int64(right) - 4*int64(v))
		}
	}
	return float32(math.Sqrt(light.variance()) / 255), float32(laplacian.variance() / (255 * 255))
}

// moments sums whole numbers and their squares: exact for up to 2^42 pixels.
type moments struct{ n, sum, squares int64 }

func (m *moments) add(v int64) {
	m.n++
	m.sum += v
	m.squares += v * v
}

// variance is the population's, without rounding before the last division.
func (m *moments) variance() float64 {
	mean := float64(m.sum) / float64(m.n)
	return max(0, float64(m.squares)/float64(m.n)-mean*mean)
}
