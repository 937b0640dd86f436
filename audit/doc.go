// Package audit turns predictions into findings. A [Check] asks one kind of
// question of a [View]; each check is a package below this one, with a page
// that `lethe explain` prints. Checks know nothing of each other, of policies
// or of output formats; [Run] calls them in order and gives each finding to a
// [Sink].
//
// Everything a check needs is a count: right answers per member and class,
// votes per example, changed answers per pair of members. [View] counts them
// once, in parallel, and caches them; integer counts do not depend on the order
// of counting, so an audit gives the same bytes at any number of threads.
package audit
