package gallery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/gallery/thumb"
)

// picture is the address of an example's picture, under a corruption or "".
func picture(id, shift, path string) string {
	v := url.Values{keyID: {id}}
	if shift != "" {
		v.Set("shift", shift)
	}
	return path + "?" + v.Encode()
}

// shiftOf is the corruption of a name such as "fog:3". Only those that the
// gallery was given are made.
func (s *server) shiftOf(text string) (dataset.Shift, error) {
	if text == "" {
		return nil, nil
	}
	name, level, _ := strings.Cut(text, ":")
	severity, err := strconv.Atoi(level)
	if err != nil || severity < 1 || severity > s.o.Severities || s.o.Shift == nil {
		return nil, bad("shift=%q: want a corruption and its severity, such as fog:3", text)
	}
	if !slices.Contains(s.o.Corruptions, name) {
		return nil, bad("shift=%q: there is no such corruption%s", text, dataset.Suggestion(name, s.o.Corruptions))
	}
	shift, err := s.o.Shift(name, severity)
	if err != nil {
		return nil, bad("shift=%q: %v", text, err)
	}
	return shift, nil
}

func (s *server) thumb(w http.ResponseWriter, r *http.Request) error {
	return s.send(w, r, func(ctx context.Context, id dataset.ExampleID, shift dataset.Shift) ([]byte, string, error) {
		if shift != nil {
			return s.o.Pictures.Shifted(ctx, id, shift)
		}
		return s.o.Pictures.Thumb(ctx, id)
	})
}

func (s *server) image(w http.ResponseWriter, r *http.Request) error {
	return s.send(w, r, func(ctx context.Context, id dataset.ExampleID, shift dataset.Shift) ([]byte, string, error) {
		return s.o.Pictures.Image(ctx, id, shift)
	})
}

// send answers with a picture of an example of the audit.
func (s *server) send(w http.ResponseWriter, r *http.Request, get func(context.Context, dataset.ExampleID, dataset.Shift) ([]byte, string, error)) error {
	id := r.URL.Query().Get(keyID)
	if _, ok := s.x.Find(id); !ok {
		return &fault{http.StatusNotFound, "The audit has no example of this id."}
	}
	shift, err := s.shiftOf(r.URL.Query().Get("shift"))
	if err != nil {
		return err
	}
	data, kind := thumb.Placeholder(id, "no --data given"), thumb.KindSVG
	if s.o.Pictures != nil {
		if data, kind, err = get(r.Context(), dataset.ExampleID(id), shift); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(data)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", tag)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'none'; sandbox") // a placeholder opened by itself
	h.Set("Cache-Control", "private, max-age=3600")
	if kind == thumb.KindSVG {
		h.Set("Cache-Control", "no-store") // what is missing may come
	}
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, err = w.Write(data)
	_ = err // a client that has gone
	return nil
}
