// Package importer turns files that other tools wrote into a
// [prediction.Table].
//
// It reads tables (CSV, TSV, Parquet, JSON, JSON Lines), either long (one row
// an example and model) or wide (one row an example, one column a model), and
// arrays (npy, npz, JSON lists): class numbers of shape [N] or scores of shape
// [N, C]. Files may be compressed with gzip or zstd. The format is taken from
// the file's first bytes and its name.
//
// The recipe: open a file and digest it; read it into a frame or an array;
// find the role of each column by its name; intern ids and classes; put every
// row at its example (by id, or by position where a source has no ids); check
// that nothing conflicts; number the classes; fill the table; order variants
// and members; say in [prediction.Table] Notes what had to be assumed.
//
// Bad input gives an [*Error] that names the file, the line or row, what was
// expected and what was found.
package importer
