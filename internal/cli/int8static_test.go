package cli

import (
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// What int8-static makes of MLPerf-tiny's ResNet8, with the first 100 training
// images and default options, is shown by lethe compare to lose less than half a
// percentage point of accuracy on CIFAR-10's test images.
func TestInt8StaticOfResNet8(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 predictions")
	}
	dir, model := t.TempDir(), mlperf(t, "pretrainedResnet.tflite", "resnet8")
	must(t, dir, "--quiet", "compress", model, "--to", "int8-static", "--calibrate", "cifar10:"+realdata.CIFARFirst(t)+"?scale=1", "-o", "resnet8-int8.onnx")
	must(t, dir, "--quiet", "compare", model, "resnet8-int8.onnx", "--data", "cifar10:"+cifarTest(t)+"?scale=1",
		"--margin", "0.5pp", "--checks", "summary,flip,compression", "--no-resample", "-o", "audit")
	f := readFindings(t, filepath.Join(dir, "audit", findingsFile))
	loss := f["summary/non-inferiority/resnet8-int8/overall"]
	if loss == nil || loss.N != 10000 || loss.Outcome != finding.NotDetected || loss.Interval == nil || loss.Interval.Low <= -0.005 {
		t.Fatalf("loss within half a percentage point: %+v, want it shown, on 10000 images", loss)
	}
	if churn := f["flip/churn/resnet8-int8/overall"]; churn != nil && churn.Estimate != nil {
		t.Logf("accuracy %v to %v, share of changed predictions %v", *loss.BaseValue, *loss.Value, *churn.Estimate)
	}
}
