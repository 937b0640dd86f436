// Command int8static measures the quantization of a network to int8 as a program
// of its own, so that bench/measure sees its time and its peak memory. It makes
// ResNet-50 with random weights, or quantizes it with ranges from 100 drawn
// images of 224 x 224.
//
//	go run ./bench/int8static -make out/resnet50.onnx
//	bin/measure -n 3 -name "int8-static of ResNet-50" -- bin/int8static out/resnet50.onnx out/resnet50_int8.onnx
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/compress/int8static"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

func main() {
	create := flag.String("make", "", "write ResNet-50 with random weights to this file and exit")
	n := flag.Int("n", 100, "images")
	method := flag.String("calibration", string(calibrate.MinMax), "minmax, percentile or entropy")
	flag.Parse()
	err := errors.New("want -make MODEL or MODEL OUT")
	switch {
	case *create != "":
		err = onnx.Save(enginetest.ResNet50(), *create, onnx.DefaultSaveOptions())
	case flag.NArg() == 2:
		err = quantize(flag.Arg(0), flag.Arg(1), *n, calibrate.Method(*method))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "int8static:", err)
		os.Exit(2)
	}
}

func quantize(from, to string, n int, method calibrate.Method) error {
	m, err := onnx.Load(from)
	if err != nil {
		return err
	}
	defer m.Close()
	o := int8static.DefaultOptions()
	o.Calibration.Method = method
	out, err := compress.Run(context.Background(), m, []compress.Scheme{int8static.New(o)},
		compress.Input{Calibration: drawn(n), Engine: engine.DefaultOptions()}, "bench")
	if err != nil {
		return err
	}
	return onnx.Save(out.Model, to, onnx.DefaultSaveOptions())
}

// drawn is a number of images, each made when it is asked for.
type drawn int

func (d drawn) Len() int { return int(d) }

func (d drawn) Batch(_ context.Context, i int) (engine.Tensor, []dataset.ExampleID, error) {
	rng := rand.New(rand.NewPCG(uint64(i), 50))
	t, err := tensor.Make(tensor.Float32, []int{1, 3, 224, 224})
	for k, v := 0, tensor.Data[float32](t); k < len(v); k++ {
		v[k] = float32(rng.NormFloat64())
	}
	return t, []dataset.ExampleID{dataset.ExampleID(fmt.Sprint("drawn/", i))}, err
}
