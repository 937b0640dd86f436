package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/vocabulary"
	"github.com/lethe-audit/lethe/internal/num"
)

func toolNames() []string { return vocabulary.Tools() }

// initPack is the pack that --init begins with.
const initPack = "no-class-worse-than-2pp"

// runGateInit prints a commented policy; given an audit, what cannot pass comes
// first, as comments.
func (a *app) runGateInit(list []string, o *gateOptions) error {
	name := o.policy
	if name == "" {
		name = initPack
	}
	text, err := gate.InitText(name)
	if err != nil {
		return errUsage{err, "lethe gate"}
	}
	var b bytes.Buffer
	if len(list) == 1 {
		if err := hopeless(&b, list[0], name, o.variants); err != nil {
			return err
		}
	}
	b.Write(text)
	return a.writePolicy(o, b.Bytes())
}

// hopeless writes, as comments, the scopes for which the rules of a pack cannot pass.
func hopeless(b *bytes.Buffer, audit, pack string, variants []string) error {
	p, err := gate.Pack(pack)
	if err != nil {
		return err
	}
	a, err := openAudit(audit)
	if err != nil {
		return err
	}
	list, err := gate.Feasible(p, a, gate.Options{Variants: variants})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintf(b, "# %s: every rule below can pass at its number of examples.\n#\n", audit)
		return nil
	}
	const shown = 20
	fmt.Fprintf(b, "# %s: rules that cannot pass there, or hardly, whatever the model does:\n", audit)
	for i, h := range list {
		if i == shown {
			fmt.Fprintf(b, "#   and %s more\n", num.Count(len(list)-shown))
			break
		}
		fmt.Fprintf(b, "#   %s [%s], %s: %s\n", h.Rule, h.Variant, oneLine(scopeText(&h)), whyHopeless(&h))
	}
	b.WriteString("#\n")
	return nil
}

func scopeText(h *gate.Hopeless) string {
	if h.Scope.Name == "" {
		return string(h.Scope.Kind)
	}
	return h.Scope.Name
}

// whyHopeless says why a scope cannot pass and what would help.
func whyHopeless(h *gate.Hopeless) string {
	if h.Power > 0 {
		return fmt.Sprintf("a model that loses nothing would pass %s of the time at the spread seen (n = %s)", num.Share(h.Power), num.Count(h.N))
	}
	s := fmt.Sprintf("%s; even without any change a loss of %s cannot be ruled out", num.Plural(h.N, "example", "examples"), num.PP(h.Least))
	if h.Needed > 0 {
		s += fmt.Sprintf("; about %s are needed", num.Count(h.Needed))
	}
	return s
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}

// runGateFrom prints another tool's goals as a policy.
func (a *app) runGateFrom(name string, o *gateOptions) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	p, notes, err := vocabulary.Read(o.from, name, data)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("The accuracy goals of %s in %s.\n%s compares one number with one threshold. These rules ask more: they pass where a\nlarger loss is ruled out, and answer \"not enough evidence\" else. test: none would only compare.", o.from, name, o.from)
	for _, n := range notes {
		note += "\nNote: " + oneLine(n)
	}
	var b bytes.Buffer
	if err := gate.WriteYAML(&b, p, note); err != nil {
		return err
	}
	return a.writePolicy(o, b.Bytes())
}

// writePolicy prints a policy, or writes it to a file that is not there yet.
func (a *app) writePolicy(o *gateOptions, text []byte) error {
	if o.file != "" && !o.force {
		if _, err := os.Lstat(o.file); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("output: %s is there; choose another name, or --force to replace it", o.file)
		}
	}
	return a.toFile(o.file, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
