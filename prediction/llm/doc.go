// Package llm turns the per-sample logs of language-model evaluations into a
// [prediction.Table].
//
// It reads what lm-evaluation-harness writes with --log_samples:
// samples_TASK_DATE.jsonl and results_DATE.json, what HELM writes as
// per_instance_stats.json, the .eval files of inspect_ai, and the details in Parquet of
// lighteval (doc/format/llm.md names the sources). Of every line only the fields that
// are needed are decoded; a log of any size takes memory by its number of documents
// alone.
//
// Where there are two tasks or more, a class is a task: its recall is the share of
// its documents answered right, and class impact is task impact. A wrong answer is
// a class of its own ("wrong" or, in multiple choice, "wrong: choice 2"), so that
// wrong answers that change are seen. A single task of multiple choice has its
// choices as classes.
//
// Documents are joined by the hashes of document, prompt and target, or by id where a
// log has no hashes; never by row.
// [CompareKLD] compares two files of log-probabilities that llama-perplexity wrote.
package llm
