package dataset

import (
	"fmt"
	"io/fs"
	"net/url"
	"strings"
)

// Source is a data source as it is written on the command line and in
// experiments: KIND:PATH?NAME=VALUE&NAME=VALUE.
type Source struct {
	Kind    string
	Path    string
	Options []Option // in the order written
}

// Option is one NAME=VALUE of a [Source].
type Option struct{ Name, Value string }

// ParseSource takes a data source apart. Everything up to the first colon is
// the kind, everything after the last question mark the options; %XX stands
// for a byte in an option's value. It does not know which kinds and options
// there are (see [Catalog.Open]).
func ParseSource(s string) (Source, error) {
	fail := func(format string, args ...any) (Source, error) {
		return Source{}, &SourceError{Source: s, Err: fmt.Errorf(format, args...)}
	}
	kind, rest, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return fail("want KIND:PATH, such as cifar10:data/cifar-10-batches-bin")
	case kind == "" || strings.ContainsAny(kind, "/\\? "):
		return fail("kind %q: want a name before the first colon, such as cifar10:", kind)
	}
	src := Source{Kind: kind, Path: rest}
	var options string
	if q := strings.LastIndexByte(rest, '?'); q >= 0 {
		src.Path, options = rest[:q], rest[q+1:]
	}
	if src.Path == "" {
		return fail("no path after %q", kind+":")
	}
	if options == "" {
		return src, nil
	}
	for _, o := range strings.Split(options, "&") {
		name, text, ok := strings.Cut(o, "=")
		if !ok || name == "" {
			return fail("option %q: want NAME=VALUE", o)
		}
		value, err := url.PathUnescape(text)
		if err != nil {
			return fail("option %s=%s: %w", name, text, err)
		}
		for _, earlier := range src.Options {
			if earlier.Name == name {
				return fail("option %s is given twice", name)
			}
		}
		src.Options = append(src.Options, Option{name, value})
	}
	return src, nil
}

// String writes the source so that [ParseSource] gives it back.
func (s Source) String() string {
	var b strings.Builder
	b.WriteString(s.Kind + ":" + s.Path)
	for i, o := range s.Options {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		b.WriteString(sep + o.Name + "=" + escape(o.Value))
	}
	if len(s.Options) == 0 && strings.Contains(s.Path, "?") {
		b.WriteByte('?')
	}
	return b.String()
}

// escape replaces the bytes that mean something in a source's options.
func escape(value string) string {
	return strings.NewReplacer("%", "%25", "&", "%26", "?", "%3F").Replace(value)
}

// Value is the value of an option and whether it was given.
func (s Source) Value(name string) (string, bool) {
	for _, o := range s.Options {
		if o.Name == name {
			return o.Value, true
		}
	}
	return "", false
}

// With is s with an option set, in place of an earlier value or at the end.
func (s Source) With(name, value string) Source {
	out := Source{Kind: s.Kind, Path: s.Path}
	set := false
	for _, o := range s.Options {
		if o.Name == name {
			o.Value, set = value, true
		}
		out.Options = append(out.Options, o)
	}
	if !set {
		out.Options = append(out.Options, Option{name, value})
	}
	return out
}

// SourceError says what is wrong with a data source as it was written.
type SourceError struct {
	Source string
	Err    error
}

// Error quotes the source.
func (e *SourceError) Error() string { return fmt.Sprintf("data source %q: %v", e.Source, e.Err) }

// Unwrap is the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// errOption is an option's value that is not what was expected.
func errOption(name, value, want string) error {
	return fmt.Errorf("%s=%s: want %s", name, value, want)
}

// NotThere says that a folder does not hold what a reader needs. It is an
// [fs.ErrNotExist].
type NotThere struct {
	Path string // where it was looked for
	Want string // what should be there
}

// Error says what was looked for and where.
func (e *NotThere) Error() string { return fmt.Sprintf("%s: not found: %s", e.Path, e.Want) }

// Is makes errors.Is(err, fs.ErrNotExist) true.
func (e *NotThere) Is(target error) bool { return target == fs.ErrNotExist }
