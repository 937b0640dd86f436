// Package lethe is the root of a tool that audits what a neural network
// forgets when it is compressed. The command is cmd/lethe.
//
// # The line
//
//	images ─▶ dataset ────────────────────────┐     WAIST 1                    WAIST 2
//	            │                             ├▶ infer ─▶ predictions ─▶ audit ─▶ findings ─┬▶ report
//	 zoo ─────▶ train ─▶ models ─▶ compress ──┘           (Parquet)            (JSON Lines)├▶ gate
//	            (ONNX, run and trained by engine)  any framework ─▶ importer ─┘            ├▶ evidence
//	                                                                                       ├▶ gallery
//	                                                                                       └▶ study ─▶ findings
//
//	 plan and runner carry these steps out from one file; they know jobs, not models
//
// Data flows from left to right and never back. Whoever has predictions starts
// at waist 1 (package prediction, importers below it). Whoever has findings
// renders or judges them again at waist 2 (package finding) without the
// predictions. The table in internal/layers says which package may import
// which; a test keeps it.
//
// # Words
//
//	example     one row of a data set: id, true class, attributes
//	variant     one way to make a model: dense, pruned to a sparsity, quantized
//	baseline    the variant that the others are compared with
//	member      one trained model of a variant
//	population  the members of one variant
//	lineage     the checkpoint a member was made from
//	recall      share of a class's examples that a member predicts right
//	PIE         pruning identified exemplar: an example whose modal label
//	            differs between the baseline and a variant
//
// # Where things are
//
//	dataset     what examples are called, and readers of their images
//	onnx        read, check, edit and write a model; no policy
//	engine      compiles a model for the CPU and runs it; kernel, op below it
//	engine/grad the same graph trained: forward in training mode and gradients
//	zoo         architectures by name, as ONNX
//	prune       which weights to remove, by magnitude
//	train       one member, dense or pruned on the way; recipes
//	compress    a model to a smaller one, one package for each scheme
//	infer       models over images to predictions
//	prediction  waist 1; importer reads other formats, planted makes test data
//	stat        maths only, one package for each statistic
//	audit       predictions to findings, one package for each check
//	finding     waist 2
//	report      findings to text, JSON Lines, Markdown, HTML
//	gate        policy and findings to a verdict, one package for each format
//	evidence    two audits compared; digests of what an audit was made of
//	gallery     a local page to look at examples and mark them; index, thumb, mark below it
//	study       people judge images without knowing which were forgotten; findings again
//	plan        an experiment to jobs with content digests
//	runner      carries a plan out and resumes it
//	examples    experiments, and members that are already trained
//	internal    command line, formatting, the layer test
//	bench       measurements and what they are compared with
package lethe
