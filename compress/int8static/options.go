package int8static

import "github.com/lethe-audit/lethe/compress/calibrate"

// Options say how a network is quantized.
type Options struct {
	Calibration calibrate.Options
	// PerTensor gives weights one scale instead of one for each output channel.
	PerTensor bool
	// QOperator writes integer operators instead of DequantizeLinear and
	// QuantizeLinear around float ones.
	QOperator bool
	// KeepFirst and KeepLast leave the first and the last layer in float; Keep
	// names further nodes.
	KeepFirst, KeepLast bool
	Keep                []string
	// Equalize evens out the weight ranges of consecutive convolutions first.
	Equalize bool
	// BiasCorrection takes the mean error that rounding a layer's weights makes
	// in its result, over the calibration examples, out of its bias.
	BiasCorrection bool
}

// DefaultOptions quantize all layers, in QDQ form, one weight scale a channel,
// ranges from the smallest and the largest element.
func DefaultOptions() Options { return Options{Calibration: calibrate.DefaultOptions()} }
