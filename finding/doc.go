// Package finding is waist 2: what an audit found, as a stream of messages
// that can be rendered, gated and compared again without the predictions.
//
// A stream is JSON Lines. The first message is a [Config] (what was audited
// and how, with digests of every input), then come [Finding] and [Table]
// messages in the order the checks ran, and a [Done] message closes it, so
// that a cut file is noticed. doc/format/findings.md describes every field;
// [ProtocolVersion] is the version. Beside the stream stands the table of
// examples ([ExampleRow], Parquet): one row per example and variant.
//
// Numbers are in base units: recall, accuracy and their differences are
// shares in [-1, 1], never percent. Differences are variant minus baseline,
// so a negative recall difference is a loss.
package finding
