package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/gallery/thumb"
	"github.com/lethe-audit/lethe/internal/lockfile"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/report"
	"github.com/spf13/cobra"
)

// serveOptions are the flags of lethe serve.
type serveOptions struct {
	data, marks, cache, by string
	partly                 bool
	web                    webFlags
}

// triageFile is the table of triage in an audit directory.
const triageFile = "triage.parquet"

func (a *app) newServe() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve AUDIT_DIR [--data SRC]",
		Short: "Look at the examples behind an audit, on a local web page",
		Long: `Serve shows an audit directory on a local web page: the report with links from
its numbers to the examples that they count, all examples worst first with what
the populations say of them, filters by variant, class, subgroup, kind of change,
margin and corruption, and a page for each example. Without --data it shows
everything but the pictures.

With j and k you move, with c, m, a and l you mark an example as confirmed,
mislabelled, ambiguous or of low quality, with n you write a note; ? lists all
keys. Marks are saved at once in AUDIT_DIR/marks.jsonl; 'lethe marks' and the
page export them.

The page listens on a loopback address and loads nothing from elsewhere. Another
address needs --token, which everybody who opens the page must have. One server
at a time works on a directory. Ctrl-C ends it.

Exit codes:
  0    ended by Ctrl-C
  2    usage or data error: no audit directory, data of other examples, an
       address that is taken or needs a token, another server on the directory`,
		Example: `  lethe serve audit
  lethe serve audit --data cifar10:cifar-10-batches-bin
  lethe serve audit --listen 0.0.0.0:8080 --token correct-horse-battery --open no`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, dirs []string) error { return a.runServe(c, dirs[0], &o) },
	}
	s := c.Flags()
	s.StringVar(&o.data, "data", "", "show the pictures of this data `SOURCE` (KIND:PATH, see 'lethe data list')")
	s.BoolVar(&o.partly, "partly", false, "go on where --data lacks some of the examples, with placeholders")
	s.StringVar(&o.marks, "marks", "", "keep marks in `FILE` (default AUDIT_DIR/marks.jsonl)")
	s.StringVar(&o.by, "by", "", "your `NAME` in the marks (default: the user's)")
	s.StringVar(&o.cache, "cache", "", "keep thumbnails in `DIR` (default: lethe/thumbs in the user's cache folder)")
	o.web.add(c)
	c.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	return c
}

// gallerySession is what a running gallery holds; close gives it up.
type gallerySession struct {
	app     *app
	o       *serveOptions
	dir     string
	notes   streamNotes
	report  report.Collector
	index   *index.Index
	source  *pictureSource
	table   keptTable
	triage  map[string]finding.TriageRow
	marks   *mark.Journal
	closers []func() error
}

func (g *gallerySession) close() error {
	var errs []error
	for i := len(g.closers) - 1; i >= 0; i-- {
		errs = append(errs, g.closers[i]())
	}
	return errors.Join(errs...)
}

func (g *gallerySession) later(fn func() error) { g.closers = append(g.closers, fn) }

func (a *app) runServe(c *cobra.Command, dir string, o *serveOptions) (err error) {
	ctx := c.Context()
	if err := isAuditDir(dir); err != nil {
		return err
	}
	if o.marks == "" {
		o.marks = filepath.Join(dir, mark.FileName)
	}
	web, err := o.web.listen()
	if err != nil {
		return errUsage{err, c.CommandPath()}
	}
	defer web.Close() // closed already where it served
	g := &gallerySession{app: a, o: o, dir: dir}
	defer func() { err = errors.Join(err, g.close()) }()
	if err := g.claim(web.Address()); err != nil {
		return err
	}
	if err := g.open(ctx); err != nil {
		return err
	}
	h, err := g.handler()
	if err != nil {
		return err
	}
	if err := a.announce("gallery of "+dir, web.URL(), &o.web); err != nil {
		return err
	}
	return web.Serve(ctx, h)
}

// isAuditDir says what is missing in a folder that is no audit directory.
func isAuditDir(dir string) error {
	for _, name := range []string{findingsFile, examplesFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is no audit directory: it has no %s; 'lethe audit ... -o DIR' makes one", dir, name)
			}
			return err
		}
	}
	return nil
}

// claim takes the journal of marks, so that two servers do not write to it, and
// leaves the address for a second one to tell.
func (g *gallerySession) claim(address string) error {
	path := g.o.marks + ".lock"
	lock, err := lockfile.Acquire(path)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		where := ""
		if at, err := os.ReadFile(g.o.marks + ".address"); err == nil {
			where = " at " + strings.TrimSpace(string(at))
		}
		return fmt.Errorf("%s is served already%s, by process %d: open that page, or end it first", g.dir, where, held.PID)
	}
	if err != nil {
		return fmt.Errorf("marks: %w (--marks FILE keeps them elsewhere)", err)
	}
	g.later(lock.Release)
	if err := os.WriteFile(g.o.marks+".address", []byte(address+"\n"), 0o600); err != nil {
		return err
	}
	g.later(func() error { return os.Remove(g.o.marks + ".address") })
	return nil
}

// open reads what the pages show; predictions follow in the background.
func (g *gallerySession) open(ctx context.Context) error {
	for _, step := range []func(context.Context) error{g.openFindings, g.openExamples, g.openTriage, g.openMarks, g.openData} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (g *gallerySession) openFindings(context.Context) error {
	path := filepath.Join(g.dir, findingsFile)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading: nothing is lost
	if err := report.Replay(f, &g.notes, &g.report); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// streamNotes keeps what the gallery must know of a stream beside the report.
type streamNotes struct {
	config *finding.Config
	worst  string  // variant with the largest share of PIEs, "" where none has any
	share  float64 // that share
}

// Config keeps the first message.
func (n *streamNotes) Config(c *finding.Config) error { n.config = c; return nil }

// Finding looks for the variant with most PIEs.
func (n *streamNotes) Finding(f *finding.Finding) error {
	if f.Check == "pie" && f.Question == "pie-share" && f.Scope.Kind == finding.Overall && f.Scope.Shift == "" && f.Estimate != nil && *f.Estimate > n.share {
		n.worst, n.share = f.Variant, *f.Estimate
	}
	return nil
}

// Table passes.
func (*streamNotes) Table(*finding.Table) error { return nil }

// Done passes.
func (*streamNotes) Done(*finding.Done) error { return nil }

// openExamples opens the examples; their predictions follow in the background.
func (g *gallerySession) openExamples(ctx context.Context) error {
	predictions := filepath.Join(g.dir, predictionsDir)
	if !prediction.IsDir(predictions) {
		return g.openIndex(ctx, nil)
	}
	return g.openIndex(ctx, func(ctx context.Context) (*prediction.Table, error) {
		t, err := prediction.ReadAnswers(ctx, predictions)
		if err != nil {
			g.app.log.Warn(fmt.Sprintf("no groups, corruptions and neighbours of examples: %v", err))
			return nil, err
		}
		g.table.keep(t)
		return t, nil
	})
}

// openRows opens the examples without their predictions.
func (g *gallerySession) openRows(ctx context.Context) error { return g.openIndex(ctx, nil) }

func (g *gallerySession) openIndex(ctx context.Context, load func(context.Context) (*prediction.Table, error)) error {
	f, err := os.Open(filepath.Join(g.dir, examplesFile))
	if err != nil {
		return err
	}
	g.later(f.Close)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	rows, err := finding.NewExampleReader(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	g.later(rows.Close)
	g.index, err = index.Build(ctx, index.Input{Config: g.notes.config, Examples: rows, First: g.notes.worst, Load: load})
	if err != nil {
		return fmt.Errorf("%s: %w", g.dir, err)
	}
	g.later(func() error { g.index.Close(); return nil })
	return nil
}

func (g *gallerySession) openTriage(context.Context) error {
	f, err := os.Open(filepath.Join(g.dir, triageFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading: nothing is lost
	info, err := f.Stat()
	if err != nil {
		return err
	}
	rows, err := finding.ReadTriage(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	g.triage = make(map[string]finding.TriageRow, len(rows))
	for _, r := range rows {
		g.triage[r.ID] = r
	}
	return nil
}

func (g *gallerySession) openMarks(context.Context) (err error) {
	if g.marks, err = mark.Open(g.o.marks); err != nil {
		return err
	}
	g.later(g.marks.Close)
	if n := g.marks.Torn(); n > 0 {
		g.app.log.Info(fmt.Sprintf("%s: the last line was cut short (%d bytes) when a server was killed; it is dropped", g.o.marks, n))
	}
	return nil
}

// handler wires the gallery.
func (g *gallerySession) handler() (h webHandler, err error) {
	o := gallery.DefaultOptions()
	o.Name, o.Index, o.Report, o.Marks, o.Author = auditName(g.notes.config, g.dir), g.index, &g.report, g.marks, g.author()
	o.Table, o.Variant = g.table.get, g.variant()
	o.Stored = func(ctx context.Context, row int, variants ...string) (*prediction.Table, error) {
		return prediction.ReadExample(ctx, filepath.Join(g.dir, predictionsDir), row, variants...)
	}
	if g.triage != nil {
		o.Triage = func(id string) (finding.TriageRow, bool) {
			r, ok := g.triage[id]
			return r, ok
		}
	}
	if g.source == nil {
		o.Notice = "Pictures are not shown: start with --data, such as lethe serve " + g.dir + " --data cifar10:DIR"
		return gallery.New(o)
	}
	o.Notice = g.source.notice
	t := thumb.DefaultOptions()
	t.Dir, t.Source, t.Fit, t.Find = g.cacheDir(), g.source.key, g.source.opened.Preprocess, g.source.find
	if o.Pictures, err = thumb.New(g.source.opened.Dataset, t); err != nil {
		return nil, err
	}
	o.Original = g.source.image
	if g.source.opened.Kind.Shift != nil {
		o.Corruptions, o.Severities = corrupt.Names(), corrupt.Severities
		o.Shift = func(name string, severity int) (dataset.Shift, error) {
			return corrupt.New(corrupt.Options{Name: name, Severity: severity})
		}
	}
	return gallery.New(o)
}

// variant is the one that the wall opens with: the one that forgets most.
func (g *gallerySession) variant() string {
	for _, v := range g.index.Variants() {
		if v.Name == g.notes.worst {
			return v.Name
		}
	}
	return ""
}

// auditName is what the pages call the audit.
func auditName(c *finding.Config, dir string) string {
	if c.Title != "" {
		return c.Title
	}
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	return filepath.Base(dir)
}

func (g *gallerySession) author() string {
	for _, name := range []string{g.o.by, g.app.io.Env("USER"), g.app.io.Env("USERNAME")} {
		if name != "" {
			return name
		}
	}
	return ""
}

// cacheDir is where thumbnails are kept; "" keeps none.
func (g *gallerySession) cacheDir() string {
	if g.o.cache != "" {
		return g.o.cache
	}
	base := g.app.io.Env("XDG_CACHE_HOME")
	if base == "" {
		if g.app.io.Env("HOME") == "" && g.app.io.Env("LocalAppData") == "" {
			return ""
		}
		var err error
		if base, err = os.UserCacheDir(); err != nil {
			return ""
		}
	}
	return filepath.Join(base, "lethe", "thumbs")
}
