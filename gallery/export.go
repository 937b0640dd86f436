package gallery

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/lethe-audit/lethe/gallery/mark"
)

// export is one format that marks can be taken along in; Link is "" where it
// needs pictures that are not at hand.
type export struct{ Name, Link, Help string }

func (s *server) exports() []export {
	words := map[mark.Format][2]string{
		mark.CSV:         {"CSV", "one row a mark, for a spreadsheet"},
		mark.JSONL:       {"JSON Lines", "one object a mark, for a program"},
		mark.FiftyOne:    {"FiftyOne", "a dataset with samples.json and the pictures, as a zip file"},
		mark.LabelStudio: {"Label Studio", "tasks with predictions and the pictures, as a zip file"},
		mark.Folder:      {"Image folder", "the confirmed ones by class, as a zip file: a regression set"},
	}
	var out []export
	for _, f := range mark.Formats() {
		e := export{words[f][0], "/export?format=" + string(f), words[f][1]}
		if f.NeedsImages() && s.o.Original == nil {
			e.Link, e.Help = "", e.Help+"; needs --data"
		}
		out = append(out, e)
	}
	return out
}

// export sends all marks in a format. It is written to a file first, so that
// one that fails half way is an error and not half a file.
func (s *server) export(w http.ResponseWriter, r *http.Request) (err error) {
	f, err := mark.ParseFormat(r.URL.Query().Get("format"))
	if err != nil {
		return bad("%v.", err)
	}
	if f.NeedsImages() && s.o.Original == nil {
		return bad("The format %s holds the pictures: start the server with --data.", f)
	}
	file, err := os.CreateTemp("", "lethe-export-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close() // it was only read
		_ = os.Remove(file.Name())
	}()
	e := mark.Export{
		Marks: s.o.Marks.Marks(), Classes: s.x.Classes(), Baseline: s.x.Baseline().Name, Image: s.o.Original,
		Facts: func(m mark.Mark) (mark.Facts, bool) { return Facts(s.x, m) },
	}
	if _, err := e.Write(r.Context(), file, f); err != nil {
		return fmt.Errorf("export as %s: %w", f, err)
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", f.ContentType())
	h.Set("Content-Length", fmt.Sprint(size))
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", f.FileName()))
	h.Set("Cache-Control", "no-store")
	_, err = io.Copy(w, file)
	_ = err // a client that has gone
	return nil
}
