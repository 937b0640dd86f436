// Package prediction is waist 1: what a population of classifiers predicted
// for a set of examples, whatever framework ran them.
//
// In memory it is a [Table]: the examples with label and attributes, and the
// variants in order (the first is the baseline), each with its members. Rows
// are columns here: member k's prediction for example i is
// Variants[t].Members[k].Predicted.At(i), one to four bytes by class count.
//
// On disk it is a directory that [Read] and [Write] know, described in
// doc/format/predictions.md: manifest.json, examples.parquet and one Parquet
// file per member, in example order. [SchemaVersion] is its version.
package prediction
