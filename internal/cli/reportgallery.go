package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/thumb"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/html"
	"github.com/spf13/cobra"
)

// The longest side of a picture in a report, in pixels: pictures that are
// smaller stand there as they are.
const minSide, maxSide = 16, 96

// maxGallery is more pictures than a file of the report's size can hold.
const maxGallery = 5000

// galleryFlags put pictures of forgotten examples into an HTML report.
type galleryFlags struct {
	n    int
	data string // a command with a --data of its own puts it here
	only bool   // the command's --data is for this alone
}

func (g *galleryFlags) add(c *cobra.Command, data bool) {
	c.Flags().IntVar(&g.n, "gallery", 0, "put pictures of the `N` worst forgotten examples into the HTML report, shared out among the variants")
	g.only = data
	if data {
		c.Flags().StringVar(&g.data, "data", "", "where the pictures of --gallery come from: `KIND:PATH[?options]` (lethe data list)")
	}
}

// check refuses what cannot work before anything is done.
func (g *galleryFlags) check(command string) error {
	switch {
	case g.n < 0 || g.n > maxGallery:
		return errUsage{fmt.Errorf("--gallery %d, want 1 to %d pictures", g.n, maxGallery), command}
	case g.n > 0 && g.data == "":
		return errUsage{errors.New("--gallery needs --data SRC: the pictures come from there"), command}
	case g.n == 0 && g.data != "" && g.only:
		return errUsage{errors.New("--data is for --gallery N, which is missing"), command}
	}
	return nil
}

// page are the options of an HTML report with pictures of the examples of an
// audit's folder; nil without --gallery. Close the data after the report.
func (a *app) galleryPage(ctx context.Context, g *galleryFlags, dir string) (page *html.Options, done func(), err error) {
	if g.n == 0 {
		return nil, func() {}, nil
	}
	tops, err := topForgotten(dir, g.n)
	if err != nil {
		return nil, nil, err
	}
	shareOut(tops, g.n)
	opened, err := dataKinds().Open(ctx, g.data)
	if err != nil {
		return nil, nil, err
	}
	var pictures *thumb.Store
	if err = a.sameExamples(tops, opened.Dataset, g.data); err == nil {
		pictures, err = smallPictures(ctx, opened.Dataset)
	}
	if err != nil {
		return nil, nil, errors.Join(err, opened.Dataset.Close())
	}
	p := html.DefaultOptions()
	p.Gallery = tops
	p.Thumbnail = func(id string) []byte {
		b, kind, err := pictures.Thumb(ctx, dataset.ExampleID(id))
		if err != nil || kind == thumb.KindSVG {
			return nil
		}
		return b
	}
	specimens(ctx, &p, pictures, opened.Dataset)
	return &p, func() { _ = opened.Dataset.Close() }, nil
}

// smallPictures makes pictures no larger than they are in the data.
func smallPictures(ctx context.Context, data dataset.Dataset) (*thumb.Store, error) {
	o := thumb.DefaultOptions()
	o.Size = maxSide
	for i := range min(data.Len(), 20) { // the first that is not damaged
		if im, err := data.Image(ctx, i); err == nil {
			o.Size = min(max(im.Width, im.Height, minSide), maxSide)
			break
		}
	}
	return thumb.New(data, o)
}

// topForgotten are the worst n PIEs of each variant of an audit's folder, but
// of those that are another variant with a layer restored.
func topForgotten(dir string, n int) ([]finding.TopExamples, error) {
	name := filepath.Join(dir, examplesFile)
	restored, err := restoredVariants(filepath.Join(dir, findingsFile))
	if err != nil {
		return nil, err
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	rows, err := finding.NewExampleReader(in, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer rows.Close()
	tops, err := finding.ReadTop(rows, n, func(r *finding.ExampleRow) bool { return r.PIE && !restored[r.Variant] }, finding.CompareForgotten)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return tops, nil
}

// restoredVariants are the variants with a layer restored.
func restoredVariants(findings string) (map[string]bool, error) {
	in, err := os.Open(findings)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	m, err := finding.NewReader(in).Next()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", findings, err)
	}
	out := map[string]bool{}
	if m.Config != nil {
		for _, p := range m.Config.Populations {
			out[p.Name] = p.Kind == "restored"
		}
	}
	return out, nil
}

// shareOut leaves n examples in all, as evenly as the variants have them; what
// cannot be shared goes to the first.
func shareOut(tops []finding.TopExamples, n int) {
	keep := make([]int, len(tops))
	for gave := true; n > 0 && gave; {
		gave = false
		for i := range tops {
			if n > 0 && keep[i] < len(tops[i].Rows) {
				keep[i]++
				n--
				gave = true
			}
		}
	}
	for i := range tops {
		tops[i].Rows = tops[i].Rows[:keep[i]]
	}
}

// sameExamples refuses data that hold none of the examples, and warns of some
// that are missing.
func (a *app) sameExamples(tops []finding.TopExamples, data dataset.Dataset, source string) error {
	want := map[string]bool{}
	var order []string
	for _, t := range tops {
		for _, r := range t.Rows {
			if !want[r.ID] {
				want[r.ID] = true
				order = append(order, r.ID)
			}
		}
	}
	found := 0
	for i := range data.Len() {
		if id := string(data.Example(i).ID); want[id] {
			found++
			delete(want, id)
		}
	}
	switch {
	case len(want) == 0:
		return nil
	case found == 0:
		first := "none"
		if data.Len() > 0 {
			first = string(data.Example(0).ID)
		}
		return fmt.Errorf("%s holds none of the %s to show: the audit's ids start with %s, those of the data with %s; give the data that the models were run on",
			source, num.Plural(len(order), "example", "examples"), strings.Join(order[:min(3, len(order))], ", "), first)
	}
	missing := make([]string, 0, len(want))
	for _, id := range order {
		if want[id] {
			missing = append(missing, id)
		}
	}
	a.log.Warn("examples without a picture", "missing", len(missing), "first", missing[0], "data", source)
	return nil
}
