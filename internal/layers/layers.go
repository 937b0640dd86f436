// Package layers holds the import rules of this module as a table, so that
// the straight line drawn in the module's doc is a test and not a wish.
package layers

// Rule says what the packages that match From may import of this module.
// "x/..." matches x and everything below it, "x/*" one level below. The first
// matching rule wins; a package without a rule fails the test.
type Rule struct{ From, To string }

// Rules is the import table (doc/design.md explains the line it keeps).
func Rules() []Rule {
	return []Rule{
		// vocabulary and maths: the bottom
		{"dataset", ""},
		{"dataset/datasettest", "dataset"},
		{"dataset/*", "dataset"},
		{"onnx", "internal/atomicfile"},
		{"stat", ""},
		{"stat/tail", ""},
		{"stat/*", "stat/tail"},
		// waist 1 and waist 2
		{"prediction", "dataset internal/atomicfile"},
		{"prediction/*", "dataset prediction internal/atomicfile"},
		{"finding", "dataset internal/atomicfile"},
		// the left half: models to predictions
		{"engine/kernel", ""},
		{"engine/tensor", ""},
		{"engine/op", "onnx engine/tensor"},
		{"engine/enginetest/tflite", "onnx"},
		{"engine/enginetest/ortlib", ""},
		{"engine/enginetest", "onnx engine/tensor"},
		{"engine/enginetest/agree", "dataset onnx engine engine/enginetest engine/tensor"},
		{"engine", "onnx engine/kernel engine/op engine/tensor"},
		{"engine/grad", "onnx engine/kernel engine/op engine/tensor"},
		{"engine/ort", "engine onnx engine/tensor"},
		{"engine/kernel/gen", ""},
		{"zoo", "onnx"},
		{"prune", ""},
		{"train/gmp", ""},
		{"train", "dataset onnx engine engine/grad engine/tensor prune train/gmp internal/atomicfile internal/strictyaml"},
		{"compress", "onnx dataset engine engine/tensor prune"},
		{"compress/compresstest", "compress onnx dataset engine engine/tensor engine/enginetest engine/enginetest/ortlib"},
		{"compress/rewrite", "onnx"},
		{"compress/calibrate", "compress onnx dataset engine engine/tensor"},
		{"compress/*", "compress compress/rewrite compress/calibrate onnx dataset engine engine/tensor prune"}, // one scheme each
		{"infer/restore", "onnx"},
		{"infer", "dataset onnx engine engine/tensor infer/restore prediction internal/atomicfile"},
		// the right half: predictions to findings to reports
		{"audit", "dataset prediction finding"},
		{"audit/audittest", "audit dataset finding prediction"},
		{"audit/recall", "audit finding prediction stat/*"}, // the recall change of groups, shared by checks
		{"audit/*", "audit audit/recall finding prediction stat/*"},
		{"report", "finding report/chart internal/num"},
		{"report/chart", "internal/num"},
		{"evidence", "finding stat/* internal/atomicfile"},
		{"report/*", "report finding report/chart internal/num internal/texttab internal/webui"},
		{"gate", "finding stat/* internal/strictyaml"},
		{"gate/words", "gate finding internal/num"}, // the wording that the formats share
		{"gate/*", "gate gate/words finding internal/num internal/texttab"},
		// looking at examples, and asking people about them
		{"gallery/index", "dataset finding prediction"},
		{"gallery/thumb", "dataset internal/atomicfile"},
		{"gallery/mark", "dataset internal/appendfile internal/atomicfile"},
		{"gallery", "dataset finding prediction gallery/index gallery/thumb gallery/mark report report/chart report/html internal/atomicfile internal/num internal/texttab internal/webserve internal/webui"},
		{"study", "dataset finding prediction stat/* internal/appendfile internal/atomicfile internal/lockfile internal/num internal/strictyaml internal/texttab internal/webserve internal/webui"},
		// jobs: they know digests, not models
		{"plan", "internal/strictyaml"},
		{"runner", "plan internal/atomicfile internal/lockfile"},
		{"runner/*", "runner plan internal/lockfile"},
		// the edge
		{"internal/cli", "..."},
		{"internal/*", ""},
		{"cmd/*", "internal/cli"},
		{"examples/results", "finding internal/atomicfile internal/num"},
		{"bench/...", "..."},
		{".", ""},
	}
}
