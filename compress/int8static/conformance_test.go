package int8static_test

import (
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/compress/compresstest"
	"github.com/lethe-audit/lethe/compress/int8static"
)

// variants are the options in which the scheme is tested.
func variants() map[string]int8static.Options {
	out := map[string]int8static.Options{}
	for _, m := range calibrate.Methods() {
		o := int8static.DefaultOptions()
		o.Calibration.Method = m
		out[string(m)] = o
	}
	o := int8static.DefaultOptions()
	o.PerTensor = true
	out["per tensor"] = o
	o = int8static.DefaultOptions()
	o.QOperator = true
	out["qoperator"] = o
	o.PerTensor = true
	out["qoperator, per tensor"] = o
	o = int8static.DefaultOptions()
	o.Equalize, o.BiasCorrection = true, true
	out["equalized, corrected"] = o
	return out
}

// The whole suite starts ONNX Runtime some sixty times for each variant.
func TestConformance(t *testing.T) {
	for name, o := range variants() {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != string(calibrate.MinMax) {
				t.Skip("only the default is tested in short mode")
			}
			co := compresstest.DefaultOptions()
			compresstest.Run(t, func() compress.Scheme { return int8static.New(o) }, co)
		})
	}
}
