package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/internal/webserve"
	"github.com/lethe-audit/lethe/study"
	"github.com/spf13/cobra"
)

// studyServeOptions are the flags of lethe study serve.
type studyServeOptions struct {
	data   string
	listen string
	hosts  []string
}

func (a *app) newStudyServe() *cobra.Command {
	var o studyServeOptions
	c := &cobra.Command{
		Use:   "serve STUDY",
		Short: "Show annotators their images, take their answers",
		Long: `Serve prints a link for every annotator and takes answers until it is
interrupted. Each sees one image at a time and answers with y, n or space
(cannot say); backspace goes back. Nothing on the page says which images are
PIEs. An answer is on the disk before the page goes on; whoever stops goes on
later with the same link. Several people answer at once; a second server on
the same study is refused and told where the first one is.

Without --listen only this machine reaches it, at the address of last time if
that is free. With --listen HOST:PORT others reach it, by their links only;
what goes over the network is not encrypted, so put a proxy with TLS before it
outside a network you trust, and name it with --host.

Exit codes:
  0    stopped by an interrupt (Ctrl-C); answers are kept
  2    usage or data error; images that are not in the data, or another process
       serves this study`,
		Example: `  lethe study serve study --data cifar10:cifar-10-batches-bin
  lethe study serve study --data cifar10:cifar-10-batches-bin --listen 127.0.0.1:8080`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error { return a.runStudyServe(c, list[0], &o) },
	}
	s := c.Flags()
	s.StringVar(&o.data, "data", "", "the images, `KIND:PATH` (default: those of the plan)")
	s.StringVar(&o.listen, "listen", "", "`HOST:PORT` to listen on (default: a port of this machine only)")
	s.StringSliceVar(&o.hosts, "host", nil, "further `NAME`s by which browsers call the server, such as a proxy's")
	return c
}

func (a *app) runStudyServe(c *cobra.Command, dir string, o *studyServeOptions) (err error) {
	desk, err := study.OpenDesk(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, desk.Close()) }()
	source := o.data
	if source == "" {
		source = desk.Study.Data
	}
	if source == "" {
		return errUsage{errors.New("--data is required: the plan does not say where the images are"), c.CommandPath()}
	}
	pictures, data, err := a.openPictures(c, desk.Study, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	server, err := o.open(desk)
	if err != nil {
		return err
	}
	handler, err := study.Handler(desk, pictures, a.studyEvents())
	if err == nil {
		err = desk.Announce(server.Address())
	}
	if err == nil {
		_, err = fmt.Fprint(a.io.Out, studyLinks(desk, server, dir))
	}
	if err != nil {
		return errors.Join(err, server.Close())
	}
	return server.Serve(c.Context(), handler)
}

// open listens where the flags say, or where the study was served before.
func (o *studyServeOptions) open(desk *study.Desk) (*webserve.Server, error) {
	users, err := desk.Users()
	if err != nil {
		return nil, err
	}
	w := webserve.DefaultOptions()
	w.Users, w.Hosts = users, o.hosts
	if o.listen == "" {
		if w.Listen = desk.LastAddress(); w.Listen != "" {
			if s, err := webserve.Listen(w); err == nil {
				return s, nil
			}
		}
	}
	w.Listen = o.listen
	return webserve.Listen(w)
}

// studyEvents prints how far people are.
func (a *app) studyEvents() study.Events {
	return study.Events{
		Answered: func(name string, done, all int) {
			if done == all {
				a.log.Info("all answered", "annotator", name, "images", all)
			}
		},
		Bad: func(id string, err error) { a.log.Warn("an image cannot be shown", "id", id, "why", err) },
	}
}

// studyLinks lists the annotators and where each goes.
func studyLinks(desk *study.Desk, server *webserve.Server, dir string) string {
	s := desk.Study
	t := texttab.Table{Columns: []texttab.Column{{Head: "annotator"}, {Head: "answered", Right: true}, {Head: "link"}}}
	for i, p := range s.Annotators {
		done, all := desk.Progress(i)
		link, _ := server.UserURL(p.Name)
		t.Rows = append(t.Rows, []string{p.Name, fmt.Sprintf("%d of %d", done, all), link})
	}
	text, _ := t.Format("", 0)
	return fmt.Sprintf("%s about %s. Everybody has a link of their own, which also goes on where they stopped:\n\n%s\nAnswers are kept in %s. Stop with Ctrl-C; then: lethe study close %s\n",
		num.Plural(len(s.Questionnaire.Questions), "question", "questions"), num.Plural(len(s.Images), "image", "images"), text, filepath.Join(dir, study.AnswersDir), dir)
}
