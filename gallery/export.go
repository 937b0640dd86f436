package gallery

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/lethe-audit/lethe/gallery/mark"
)

// Export is one format in which people take their marks along.
type Export struct {
	Name  string // as in the address: "csv"
	Title string // for people
	Help  string // one line: what it is for
	File  string // name of the downloaded file
	Kind  string // media type
	Write func(ctx context.Context, w io.Writer, marks []mark.Mark) error
}

func (s *server) exports() []export {
	var out []export
	for _, e := range s.o.Exports {
		out = append(out, export{e.Title, "/export?format=" + e.Name, e.Help})
	}
	return out
}

// export sends all marks in a format. It is written to a file first, so that
// one that fails half way is an error and not half a file.
func (s *server) export(w http.ResponseWriter, r *http.Request) error {
	format := r.URL.Query().Get("format")
	var names []string
	for _, e := range s.o.Exports {
		if e.Name == format {
			return s.download(w, r, e)
		}
		names = append(names, e.Name)
	}
	return bad("format=%q: want one of %s.", format, strings.Join(names, ", "))
}

func (s *server) download(w http.ResponseWriter, r *http.Request, e Export) (err error) {
	f, err := os.CreateTemp("", "lethe-export-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close() // it was only read
		_ = os.Remove(f.Name())
	}()
	if err := e.Write(r.Context(), f, s.o.Marks.Marks()); err != nil {
		return fmt.Errorf("export %s: %w", e.Name, err)
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", e.Kind)
	h.Set("Content-Length", fmt.Sprint(size))
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", e.File))
	h.Set("Cache-Control", "no-store")
	_, err = io.Copy(w, f)
	_ = err // a client that has gone
	return nil
}
