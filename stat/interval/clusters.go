package interval

import (
	"errors"
	"fmt"
	"math"
)

// Clusters are yes/no answers that come in clusters, such as the answers of
// several people about one image. The clusters are the sample: every one counts
// the same, and only they are independent.
type Clusters struct {
	Means   []float64 // share of yes in each cluster, in [0, 1]
	Answers int       // answers in all clusters together, at least one each
}

// Mean is the mean of the clusters' means.
func (c Clusters) Mean() float64 {
	sum := 0.0
	for _, v := range c.Means {
		sum += v
	}
	return sum / float64(len(c.Means))
}

func (c Clusters) check() error {
	if len(c.Means) == 0 {
		return ErrNoTrials
	}
	for i, v := range c.Means {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%w: cluster %d has mean %v", ErrCounts, i, v)
		}
	}
	if c.Answers < len(c.Means) {
		return fmt.Errorf("%w: %d answers in %d clusters", ErrCounts, c.Answers, len(c.Means))
	}
	return nil
}

// Effective is the size of the simple random sample whose share of yes would
// vary as much as the mean of the clusters does,
//
//	n_e = p(1−p)/(s²/n),  s² = Σ(yᵢ − p)²/n,
//
// at most the number of answers. It is the number of clusters n where every
// cluster is unanimous, and where nothing varies because p is 0 or 1.
func (c Clusters) Effective() (float64, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	n, p := float64(len(c.Means)), c.Mean()
	var squares, products float64 // Σ(y−p)² and Σ y(1−y): they add up to n·p(1−p)
	for _, v := range c.Means {
		squares += (v - p) * (v - p)
		products += v * (1 - v)
	}
	switch {
	case products == 0:
		return n, nil
	case squares == 0:
		return float64(c.Answers), nil
	}
	return math.Min(n*(1+products/squares), float64(c.Answers)), nil
}

// WilsonClusters is the score interval of the share of yes in clustered
// answers: Wilson's on the effective size (see [Clusters.Effective]). With one
// answer a cluster it is [Wilson].
//
// Franco, C., Little, R. J. A., Louis, T. A., Slud, E. V. (2019). Comparative
// study of confidence intervals for proportions in complex sample surveys.
// Journal of Survey Statistics and Methodology 7(3), 334–364.
func WilsonClusters(c Clusters, level float64) (Interval, error) {
	n, err := c.Effective()
	if err != nil {
		return Interval{}, err
	}
	p := c.Mean()
	return score(p*n, (1-p)*n, n, quantile(level)), nil
}

// NewcombeClusters is the interval of the difference of the shares of yes, x − y,
// in clusters that come in pairs: the limits of [WilsonClusters] combined as in
// [NewcombePaired], with the correlation of the paired means in the place of φ
// (a positive covariance is reduced by 1/(2n), not below 0). With one answer a
// cluster it is [NewcombePaired].
//
// Donner, A., Zou, G. Y. (2012), as for [NewcombePairedContrast].
func NewcombeClusters(x, y Clusters, level float64) (Interval, error) {
	a, err1 := WilsonClusters(x, level)
	b, err2 := WilsonClusters(y, level)
	if err := errors.Join(err1, err2); err != nil {
		return Interval{}, err
	}
	if len(x.Means) != len(y.Means) {
		return Interval{}, fmt.Errorf("%w: %d and %d clusters in pairs", ErrCounts, len(x.Means), len(y.Means))
	}
	return squareAndAdd(x.Mean(), y.Mean(), a, b, correlation(x, y)), nil
}

// correlation is that of paired means, with Newcombe's continuity correction.
func correlation(x, y Clusters) float64 {
	p, q := x.Mean(), y.Mean()
	var xx, yy, xy float64
	for i, v := range x.Means {
		w := y.Means[i]
		xx += (v - p) * (v - p)
		yy += (w - q) * (w - q)
		xy += (v - p) * (w - q)
	}
	if xy > 0 {
		xy = math.Max(0, xy-0.5)
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return math.Max(-1, math.Min(1, xy/math.Sqrt(xx*yy)))
}
