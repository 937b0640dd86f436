package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/fetch"
	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/spf13/cobra"
)

// dataFetchOptions are the flags of lethe data fetch.
type dataFetchOptions struct {
	dir, from string
	dryRun    bool
}

func (a *app) newDataFetch() *cobra.Command {
	var o dataFetchOptions
	c := &cobra.Command{
		Use:   "fetch NAME -o DIR",
		Short: "Download a published data set and check its digests",
		Long: `Fetch downloads a published data set into DIR, checks the digest of every file
and puts files in place only when they are whole. A fetch that stopped goes on
where it was; files that are there and right are not fetched again.

Without a network, --dry-run says which files to bring and --from takes them
from a folder (or from another server's folder).

Exit codes:
  0    done: every file has the published content
  2    usage or network error, or a file that is not the published one
  130  interrupted; the same command goes on from there`,
		Example: `  lethe data fetch cifar10 -o data
  lethe data fetch cifar10 -o data --dry-run
  lethe data fetch fashion-mnist -o fashion --from usb-stick`,
		Args: args(cobra.ExactArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return fetchable(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, list []string) error { return a.runDataFetch(c, list[0], &o) },
	}
	s := c.Flags()
	s.StringVarP(&o.dir, "output", "o", "", "put the files into `DIR`")
	s.StringVar(&o.from, "from", "", "take the files from this `FOLDER` or URL instead of the publisher")
	s.BoolVar(&o.dryRun, "dry-run", false, "only say what would be downloaded and how to place it by hand")
	_ = c.MarkFlagDirname("output")
	return c
}

func fetchable() []string {
	var out []string
	for _, k := range dataKinds() {
		for _, s := range k.Known {
			if len(s.Downloads) > 0 {
				out = append(out, s.Name)
			}
		}
	}
	return out
}

func (a *app) runDataFetch(c *cobra.Command, name string, o *dataFetchOptions) error {
	set, _, err := dataKinds().Known(name)
	if err != nil {
		return errUsage{err, c.CommandPath()}
	}
	if o.dir == "" {
		return errUsage{errors.New("-o DIR is required: where to put the files"), c.CommandPath()}
	}
	if o.dryRun {
		_, err := fmt.Fprint(a.io.Out, fetch.ByHand(set, o.dir))
		return err
	}
	if len(set.Downloads) == 0 {
		return fmt.Errorf("%s cannot be fetched: its publisher wants to know who takes it\n%s", name, fetch.ByHand(set, o.dir))
	}
	options := fetch.DefaultOptions()
	options.From = o.from
	bars := &fileBars{app: a}
	options.Progress = bars.set
	r, err := fetch.Fetch(c.Context(), set, o.dir, options)
	bars.end()
	if err != nil {
		return offline(c.Context(), err, set, o.dir)
	}
	done := "fetched and checked: " + strings.Join(r.Fetched, ", ")
	if r.Already {
		done = "all files were there already, with the published content"
	}
	_, err = fmt.Fprintf(a.io.Out, "%s: %s\nterms: %s\nuse it as %s\n", set.Name, done, set.Terms, strings.ReplaceAll(set.Source, "DIR", o.dir))
	return err
}

// offline adds the way by hand to an error of the network.
func offline(ctx context.Context, err error, set *dataset.KnownSet, dir string) error {
	var u *url.Error
	var s *fetch.StatusError
	if ctx.Err() != nil || !errors.As(err, &u) && !errors.As(err, &s) {
		return err
	}
	return fmt.Errorf("%w\n%s", err, fetch.ByHand(set, dir))
}

// fileBars show a bar for one file after the other.
type fileBars struct {
	app  *app
	name string
	bar  *progress.Bar
}

func (f *fileBars) set(name string, done, total int64) {
	if name != f.name {
		f.end()
		f.name, f.bar = name, f.app.bar(name, "KiB")
	}
	f.bar.Set(int(done>>10), int(total>>10))
}

func (f *fileBars) end() {
	f.bar.End()
	f.bar, f.name = nil, ""
}
